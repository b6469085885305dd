"""For tests of the engine's statements on connections of their own, as its processes use them."""

import os

from odoo.tests.common import TransactionCase

from ..engine.channels import ChannelFilter
from ..engine.claim import claim_jobs
from ..engine.workers import register_worker, unregister_worker
from ..runtime import database


class ClaimCase(TransactionCase):
    """What it inserts is committed, and goes at the end of the test."""

    def setUp(self):
        super().setUp()
        self.first, self.second = self.connect(), self.connect()
        self.worker_id = register_worker(
            self.first, name="test", hostname="test", pid=os.getpid(), version="0", concurrency=1, channels=None
        )
        self.addCleanup(unregister_worker, self.first, self.worker_id)

    def connect(self):
        connection = database.connect(self.env.cr.dbname)
        connection.autocommit = True
        self.addCleanup(connection.close)
        return connection

    def execute(self, sql, *params):
        with self.first.cursor() as cursor:
            cursor.execute(sql, params)
            return cursor.fetchall() if cursor.description else []

    def insert(self, **values):
        """Insert a committed job by plain SQL; return its id."""
        values = {"uuid": os.urandom(8).hex(), "state": "pending", "priority": 10, "channel": "root", **values}
        columns = ", ".join(values)
        marks = ", ".join(["%s"] * len(values))
        ((job_id,),) = self.execute(
            f"""INSERT INTO queue_job (model_name, method_name, payload, max_retries, create_date, {columns})
                VALUES ('res.partner', 'read', '{{}}', 5, clock_timestamp() AT TIME ZONE 'UTC', {marks})
             RETURNING id""",
            *values.values(),
        )
        self.addCleanup(self.execute, "DELETE FROM queue_job WHERE id = %s", job_id)
        return job_id

    def insert_keyed(self, key="key", **values):
        """As an enqueuer stores it: without a place in its key yet."""
        return self.insert(concurrency_key=key, key_place="new", **values)

    def limit(self, name, limit=-1, rate_limit=0, burst=1, paused=False):
        self.execute(
            'INSERT INTO queue_limit (name, "limit", rate_limit, burst, paused) VALUES (%s, %s, %s, %s, %s)',
            name, limit, rate_limit, burst, paused,
        )  # fmt: skip
        self.addCleanup(self.execute, "DELETE FROM queue_limit WHERE name = %s", name)

    def claim(self, connection=None, free=10, lookahead=0, channels="", **options):
        """Claim; return the :class:`~..engine.claim.Claim`."""
        with (connection or self.first).cursor() as cursor:
            return claim_jobs(
                cursor, self.worker_id, "test", free, lookahead, ChannelFilter.parse(channels), **options
            )  # fmt: skip

    def claimed(self, *args, **options):
        """Ids of the claimed jobs, in their order."""
        return [job.id for job in self.claim(*args, **options).jobs]

    def state(self, job_id):
        return self.execute("SELECT state FROM queue_job WHERE id = %s", job_id)[0][0]
