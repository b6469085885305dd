from collections import namedtuple

from odoo.tests.common import BaseCase

from ..engine.retry import Fail, Retry, backoff, decide_retry

Job = namedtuple("Job", "attempts max_retries retry_pattern crashes", defaults=(5, None, 0))


class TestRetry(BaseCase):
    def test_the_wait_doubles_up_to_its_limit(self):
        self.assertEqual([backoff(n, 3600) for n in range(1, 6)], [10, 20, 40, 80, 160])
        self.assertEqual(backoff(20, 3600), 3600)
        self.assertEqual(backoff(10**6, 3600), 3600)

    def test_a_job_is_retried_max_retries_times(self):
        decisions = [decide_retry(Job(attempts, 3), 3600) for attempts in range(4)]
        self.assertEqual(decisions, [Retry(10), Retry(20), Retry(40), Fail()])

    def test_zero_retries_means_without_end(self):
        self.assertEqual(decide_retry(Job(10**6, 0), 3600), Retry(3600))

    def test_a_final_error_fails_at_once(self):
        self.assertEqual(decide_retry(Job(0), 3600, final=True), Fail())

    def test_the_job_chooses_its_delay(self):
        self.assertEqual(decide_retry(Job(0), 3600, seconds=0), Retry(0))
        self.assertEqual(decide_retry(Job(5), 3600, seconds=7), Fail())

    def test_an_ignored_attempt_is_not_counted_and_never_the_last(self):
        self.assertEqual(decide_retry(Job(5), 3600, ignore_retry=True), Retry(10, counted=False))
        self.assertEqual(decide_retry(Job(5), 3600, seconds=3, ignore_retry=True), Retry(3, counted=False))

    def test_the_entry_of_a_pattern_holds_until_the_next_one(self):
        pattern = '{"2": 60, "4": 600}'
        decisions = [decide_retry(Job(attempts, 0, pattern), 3600).seconds for attempts in range(6)]
        self.assertEqual(decisions, [10, 60, 60, 600, 600, 600])

    def test_the_third_crash_is_the_last_whatever_the_retries(self):
        decisions = [decide_retry(Job(crashes, 0, None, crashes), 3600, crashed=True) for crashes in range(3)]
        self.assertEqual(decisions, [Retry(10), Retry(20), Fail()])
        self.assertEqual(decide_retry(Job(2, 0, None, 2), 3600), Retry(40), "An ordinary failure is no crash")

    def test_a_range_of_a_pattern_is_drawn_from(self):
        for _draw in range(50):
            self.assertTrue(5 <= decide_retry(Job(0, 5, '{"1": [5, 8]}'), 3600).seconds <= 8)
