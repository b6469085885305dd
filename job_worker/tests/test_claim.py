from odoo.tests import tagged

from ..engine.claim import promote_due_jobs
from ..engine.retry import Fail, Retry
from ..engine.store import JobFailure, apply_decision, finish_job, release_job
from .claim_case import ClaimCase


@tagged("post_install", "-at_install")
class TestClaim(ClaimCase):
    def test_the_best_jobs_come_first_and_no_more_than_asked_for(self):
        low, high, middle = (self.insert(priority=priority) for priority in (20, 1, 10))
        self.assertEqual(self.claimed(self.first, 2), [high, middle])
        self.assertEqual(self.state(low), "pending")

    def test_among_equals_the_earlier_due_one_comes_first(self):
        fresh = self.insert()
        due = self.insert(scheduled_at="2020-01-01")
        self.assertEqual(self.claimed(self.first), [due, fresh])

    def test_a_row_that_another_claimer_holds_is_passed_by(self):
        held, free = self.insert(), self.insert()
        self.second.autocommit = False
        self.addCleanup(self.second.rollback)  # before the rows are deleted, whatever happens here
        with self.second.cursor() as cursor:
            cursor.execute("SELECT 1 FROM queue_job WHERE id = %s FOR UPDATE", [held])
            self.assertEqual(self.claimed(self.first), [free])

    def test_scheduled_jobs_are_claimed_only_after_their_time(self):
        later = self.insert(scheduled=True, scheduled_at="2999-01-01")
        due = self.insert(scheduled=True, scheduled_at="2020-01-01")
        with self.first.cursor() as cursor:
            self.assertGreater(promote_due_jobs(cursor), 10**9)
        self.assertEqual(self.claimed(self.first), [due])
        self.assertEqual(self.state(later), "pending")

    def test_each_claim_has_a_token_of_its_own_and_the_older_one_is_void(self):
        job_id = self.insert()
        (old,) = self.claim(self.first).jobs
        failure = JobFailure("Error", "message")
        with self.first.cursor() as cursor:
            self.assertTrue(release_job(cursor, old))
            (new,) = self.claim(self.second).jobs
            self.assertGreater(new.claim_token, old.claim_token)
            self.assertFalse(finish_job(cursor.execute, old, None, 0.5))
            self.assertFalse(release_job(cursor, old))
            self.assertFalse(apply_decision(cursor, old, Fail(), failure))
            self.assertFalse(apply_decision(cursor, old, Retry(1), failure))
            self.assertEqual(self.state(job_id), "started")
            self.assertTrue(finish_job(cursor.execute, new, '"result"', 0.5))
            self.assertFalse(finish_job(cursor.execute, new, None, 0.5), "A job ends once")
        self.assertEqual(self.state(job_id), "done")

    def test_an_error_text_with_a_nul_byte_can_be_stored(self):
        job_id = self.insert()
        (job,) = self.claim(self.first).jobs
        with self.first.cursor() as cursor:
            apply_decision(cursor, job, Fail(), JobFailure("Error", "a\0b", "trace\0back"))
        self.assertEqual(self.execute("SELECT exc_message FROM queue_job WHERE id = %s", job_id), [("a\\0b",)])
