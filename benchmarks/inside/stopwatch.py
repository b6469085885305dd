"""One measurement: a clean table, a quiet server, then seconds and statements."""

import gc
import time

import psycopg2

from odoo import sql_db


class Stopwatch:
    """Measures in the database of `env`; the same on both sides.

    :param str checkpoint_user: database role that may checkpoint; None for Odoo's own
    """

    def __init__(self, env, checkpoint_user):
        self._env = env
        self._checkpoint_user = checkpoint_user
        self.may_checkpoint = self._checkpoint()

    def measure(self, enqueue, jobs):
        """Time `enqueue()` with its commit.

        Statements are counted for all cursors of the process, so that one sent beside the
        transaction counts as well; a COMMIT is no statement here.

        :param int jobs: how many it should store; fewer or more is an error
        :return: dict of `jobs`, `seconds` and `statements`
        """
        self.clean()
        before, started = sql_db.sql_counter, time.perf_counter()
        enqueue()
        self._env.cr.commit()
        seconds, statements = time.perf_counter() - started, sql_db.sql_counter - before
        self._require_stored(jobs)
        return {"jobs": jobs, "seconds": seconds, "statements": statements}

    def clean(self):
        """Leave nothing of what was before: no jobs, no stale statistics, no dirty pages, no garbage."""
        self._env.cr.execute("TRUNCATE queue_job CASCADE")
        self._env.cr.execute("ANALYZE")
        self._env.cr.commit()
        if self.may_checkpoint:
            self._checkpoint()
        gc.collect()

    def _checkpoint(self):
        """Whether the server let us: it takes a role that Odoo's seldom is."""
        options = dict(sql_db.connection_info_for(self._env.cr.dbname)[1])
        if self._checkpoint_user:
            options["user"] = self._checkpoint_user
        connection = psycopg2.connect(**options)
        connection.autocommit = True
        try:
            with connection.cursor() as cursor:
                cursor.execute("CHECKPOINT")
        except psycopg2.errors.InsufficientPrivilege:
            return False
        finally:
            connection.close()
        return True

    def _require_stored(self, jobs):
        self._env.cr.execute("SELECT count(*) FROM queue_job")
        stored = self._env.cr.fetchone()[0]
        if stored != jobs:
            raise AssertionError(f"{stored} jobs were stored instead of {jobs}")
