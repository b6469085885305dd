import os

from odoo.tests import tagged
from odoo.tests.common import TransactionCase

from ..engine.claim import claim_jobs, promote_due_jobs
from ..engine.retry import Fail, Retry
from ..engine.store import JobFailure, apply_decision, finish_job, release_job
from ..engine.workers import register_worker, unregister_worker
from ..runtime import database


@tagged("post_install", "-at_install")
class TestClaim(TransactionCase):
    """The engine's statements on connections of their own, as its processes use them."""

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
        values = {"uuid": os.urandom(8).hex(), "state": "pending", "priority": 10, **values}
        columns = ", ".join(values)
        marks = ", ".join(["%s"] * len(values))
        ((job_id,),) = self.execute(
            f"""INSERT INTO queue_job (model_name, method_name, payload, channel, max_retries, create_date, {columns})
                VALUES ('res.partner', 'read', '{{}}', 'root', 5, now() AT TIME ZONE 'UTC', {marks}) RETURNING id""",
            *values.values(),
        )
        self.addCleanup(self.execute, "DELETE FROM queue_job WHERE id = %s", job_id)
        return job_id

    def claim(self, connection, limit=10):
        with connection.cursor() as cursor:
            return claim_jobs(cursor, self.worker_id, "test", limit).jobs

    def state(self, job_id):
        return self.execute("SELECT state FROM queue_job WHERE id = %s", job_id)[0][0]

    def test_the_best_jobs_come_first_and_no_more_than_asked_for(self):
        low, high, middle = (self.insert(priority=priority) for priority in (20, 1, 10))
        self.assertEqual([job.id for job in self.claim(self.first, 2)], [high, middle])
        self.assertEqual(self.state(low), "pending")

    def test_among_equals_the_earlier_due_one_comes_first(self):
        fresh = self.insert()
        due = self.insert(scheduled_at="2020-01-01")
        self.assertEqual([job.id for job in self.claim(self.first)], [due, fresh])

    def test_a_row_that_another_claimer_holds_is_passed_by(self):
        held, free = self.insert(), self.insert()
        self.second.autocommit = False
        self.addCleanup(self.second.rollback)  # before the rows are deleted, whatever happens here
        with self.second.cursor() as cursor:
            cursor.execute("SELECT 1 FROM queue_job WHERE id = %s FOR UPDATE", [held])
            self.assertEqual([job.id for job in self.claim(self.first)], [free])

    def test_scheduled_jobs_are_claimed_only_after_their_time(self):
        later = self.insert(scheduled=True, scheduled_at="2999-01-01")
        due = self.insert(scheduled=True, scheduled_at="2020-01-01")
        with self.first.cursor() as cursor:
            self.assertGreater(promote_due_jobs(cursor), 10**9)
        self.assertEqual([job.id for job in self.claim(self.first)], [due])
        self.assertEqual(self.state(later), "pending")

    def test_each_claim_has_a_token_of_its_own_and_the_older_one_is_void(self):
        job_id = self.insert()
        (old,) = self.claim(self.first)
        failure = JobFailure("Error", "message")
        with self.first.cursor() as cursor:
            self.assertTrue(release_job(cursor, old))
            (new,) = self.claim(self.second)
            self.assertGreater(new.claim_token, old.claim_token)
            self.assertFalse(finish_job(cursor, old, None, 0.5))
            self.assertFalse(release_job(cursor, old))
            self.assertFalse(apply_decision(cursor, old, Fail(), failure))
            self.assertFalse(apply_decision(cursor, old, Retry(1), failure))
            self.assertEqual(self.state(job_id), "started")
            self.assertTrue(finish_job(cursor, new, '"result"', 0.5))
            self.assertFalse(finish_job(cursor, new, None, 0.5), "A job ends once")
        self.assertEqual(self.state(job_id), "done")

    def test_an_error_text_with_a_nul_byte_can_be_stored(self):
        job_id = self.insert()
        (job,) = self.claim(self.first)
        with self.first.cursor() as cursor:
            apply_decision(cursor, job, Fail(), JobFailure("Error", "a\0b", "trace\0back"))
        self.assertEqual(self.execute("SELECT exc_message FROM queue_job WHERE id = %s", job_id), [("a\\0b",)])
