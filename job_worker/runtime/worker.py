"""The worker as Odoo code starts it: one database, served until stopped."""

import gc
import logging
import threading

import psycopg2

from odoo import sql_db
from odoo.modules.module import get_manifest
from odoo.modules.registry import Registry

from ..engine.config import WorkerSettings
from ..engine.processes.supervisor import Supervisor
from .database import check_database, connect, current_registry, session_name
from .perform import JobRunner

_logger = logging.getLogger(__name__)


class QueueWorker:
    """Runs the jobs of one database.

    :param db_name: name of the database (str), or the one-element list that
        ``odoo.tools.config["db_name"]`` is in Odoo 19
    :param settings: keyword arguments of :class:`~..engine.config.WorkerSettings`
    :raise ValueError: a setting is out of range, or there isn't exactly one database
    :raise DatabaseError: the database can't be reached or lacks job_worker
    """

    def __init__(self, db_name, **settings):
        names = [db_name] if isinstance(db_name, str) else list(db_name)
        if len(names) != 1:
            raise ValueError(f"A worker serves one database, not {len(names)}: {names!r}")
        (self.db_name,) = names
        self.settings = WorkerSettings(**settings)
        check_database(self.db_name)
        self._supervisor = Supervisor(
            self.settings,
            connect=lambda: connect(self.db_name),
            perform=JobRunner(lambda: current_registry(self.db_name), self.settings.max_backoff_seconds),
            version=get_manifest("job_worker")["version"],
            before_fork=_prepare_fork,
            session_name=session_name,
        )

    def run(self):
        """Serve until SIGTERM, SIGINT or :meth:`stop`; call it in the main thread.

        :return: exit code: 0 stopped as asked, 1 stopped by trouble that was logged
        """
        threading.current_thread().dbname = self.db_name
        Registry(self.db_name)  # loaded before the first fork: executors share its memory
        try:
            self._supervisor.run()
        except psycopg2.OperationalError as error:
            _logger.error("Can't connect to the database: %s", str(error).strip())
            return 1
        return 0

    def stop(self):
        """Ask a running worker to stop gracefully, from any thread; twice to stop at once."""
        self._supervisor.stop()


def _prepare_fork():
    """Leave nothing behind that a child must not share, and its memory unmoved."""
    sql_db.close_all()
    gc.collect()
    # Without this the child's collector would touch, and so copy, every page of the registry.
    gc.freeze()
