"""The worker as Odoo code starts it: the given databases, or all, served until stopped."""

import gc
import logging
import threading

import psycopg2

from odoo import sql_db
from odoo.modules.registry import Registry

from ..engine.config import WorkerSettings
from ..engine.processes.manager import Manager
from ..engine.processes.supervisor import Supervisor
from .cursors import JobCursors
from .database import (
    DatabaseError,
    VersionError,
    check_database,
    code_version,
    connect,
    inherited_registry,
    list_databases,
    session_name,
)
from .perform import JobRunner

_logger = logging.getLogger(__name__)


class QueueWorker:
    """Runs the jobs of one database, of several, or of all that have job_worker.

    :param db_name: name of a database (str), or a list of them, as ``odoo.tools.config["db_name"]``
        is in Odoo 19; empty for all databases of the server that have job_worker, now or later
    :param reconfigure: callable giving new settings (:class:`~..engine.config.WorkerSettings`) at SIGHUP;
        it may raise ValueError
    :param settings: keyword arguments of :class:`~..engine.config.WorkerSettings`
    :raise ValueError: a setting is out of range
    :raise DatabaseError: none of the named databases can be served, or the server can't be reached
    """

    def __init__(self, db_name, *, reconfigure=lambda: None, **settings):
        self.db_names = [db_name] if isinstance(db_name, str) else list(db_name or ())
        self.settings = WorkerSettings(**settings)
        self._complaints = {}
        self._check_start()
        self._manager = Manager(self.settings, self._find_databases, serve_database, reconfigure)

    def run(self):
        """Serve until SIGTERM, SIGINT or :meth:`stop`; call it in the main thread.

        :return: exit code: 0 stopped as asked
        """
        return self._manager.run()

    def stop(self):
        """Ask a running worker to stop gracefully, from any thread; twice to stop at once."""
        self._manager.stop()

    def _check_start(self):
        """Refuse what can't ever work; a database among others that fails may come back."""
        if not self.db_names:
            if list_databases() is None:
                check_database("postgres")  # says why the server can't be reached
            return
        errors = []
        for name in self.db_names:
            try:
                check_database(name)
            except DatabaseError as error:
                errors.append(error)
        if len(errors) == len(self.db_names):
            raise errors[0]

    def _find_databases(self):
        """The names to serve now; None while the server can't be reached, when nothing is known."""
        existing = list_databases()
        if existing is None:
            return None
        # A named database may belong to another role, so that it isn't in the list.
        return {name for name in self.db_names or existing if self._is_fit(name)}

    def _is_fit(self, db_name):
        try:
            check_database(db_name)
        except DatabaseError as error:
            # Where all are served, most databases of a server may have nothing to do with us.
            expected = self.db_names or isinstance(error, VersionError)
            if expected and self._complaints.get(db_name) != str(error):
                self._complaints[db_name] = str(error)
                _logger.error("%s", error)
            return False
        self._complaints.pop(db_name, None)
        return True


def serve_database(db_name, settings, link):
    """Load the models of ``db_name`` and serve its queue; the whole life of a supervisor process.

    :param settings: :class:`~..engine.config.WorkerSettings`
    :param link: :class:`~..engine.processes.link.Link` to the manager
    :return: exit code: 0 stopped as asked, 1 stopped by trouble that was logged
    """
    threading.current_thread().dbname = db_name
    try:
        registry = Registry(db_name)  # loaded before the first fork: executors share its memory
        cursors = JobCursors(db_name, tuple(registry.cache_sequences))
        Supervisor(
            settings,
            link,
            connect=lambda: connect(db_name, settings.db_host, settings.db_port),
            perform=JobRunner(lambda: inherited_registry(db_name), settings, cursors.cursor),
            version=code_version(),
            loaded_sequence=registry.registry_sequence,
            before_fork=_prepare_fork,
            session_name=session_name,
        ).run()
    except psycopg2.Error as error:
        _logger.error("The database can't be served: %s", str(error).strip())
        return 1
    return 0


def _prepare_fork():
    """Leave nothing behind that a child must not share, and its memory unmoved."""
    sql_db.close_all()
    gc.collect()
    # Without this the child's collector would touch, and so copy, every page of the registry.
    gc.freeze()
