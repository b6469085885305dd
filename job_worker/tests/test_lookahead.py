from hypothesis import given, strategies as st

from odoo.tests.common import BaseCase

from ..engine.job import COLUMNS, ClaimedJob
from ..engine.processes.lookahead import AHEAD_SECONDS, MAX_JOBS, Lookahead, wanted_ahead


class FakeExecutor(list):
    """Remembers what it was told to start."""

    def __init__(self):
        super().__init__()
        self.orders = []
        self.jobs_left = float("inf")

    def start(self, order):
        self.orders.append(order)
        self.extend(order.jobs)

    @property
    def shares(self):
        return [[job.id for job in order.jobs] for order in self.orders]


def make_job(id_, **values):
    values = {"timeout": 0, "method_name": "write", "concurrency_key": None, **values}
    columns = {name: None for name in COLUMNS if name not in ("limited", "batch_size")}
    return ClaimedJob(**{**columns, **values, "id": id_, "claim_token": 100 + id_})


class TestLookahead(BaseCase):
    def test_jobs_leave_in_the_order_in_which_they_came(self):
        ahead, executor = Lookahead(), FakeExecutor()
        ahead.add([make_job(1), make_job(2)])
        ahead.add([make_job(3)])
        for _turn in range(4):
            ahead.hand_out([executor])
        self.assertEqual([job.id for job in executor], [1, 2, 3])
        self.assertFalse(ahead)

    def test_a_job_that_is_taken_out_is_not_handed_out(self):
        ahead, executor = Lookahead(), FakeExecutor()
        ahead.add([make_job(1), make_job(2)])
        self.assertEqual(ahead.take(1).id, 1)
        self.assertIsNone(ahead.take(7))
        self.assertEqual(ahead.claims, {2: 102})
        ahead.hand_out([executor, executor])
        self.assertEqual([job.id for job in executor], [2])
        self.assertEqual(ahead.deadline, float("inf"))

    @given(st.integers(0, 64), st.floats(0, 1e6))
    def test_no_more_is_claimed_ahead_than_runs_within_a_moment(self, executors, average):
        wanted = wanted_ahead(executors, average)
        self.assertGreaterEqual(wanted, 0)
        self.assertLessEqual(wanted, MAX_JOBS)
        self.assertLessEqual(wanted * max(average, 1e-4), executors * AHEAD_SECONDS * 1.000001)

    def test_nothing_is_claimed_ahead_of_long_jobs_or_of_unknown_ones(self):
        self.assertEqual(wanted_ahead(4, 1.0), 0)
        self.assertEqual(wanted_ahead(4, None), 0)
        self.assertEqual(wanted_ahead(4, 0.01), 40)

    def test_a_batch_takes_neighbours_of_one_function_that_opted_in_and_leaves_others_their_part(self):
        opted = [make_job(number, batch_size=3) for number in range(1, 9)]
        for jobs, concurrency, expected in (
            (opted, 1, [[1, 2, 3], [4, 5, 6], [7, 8]]),
            (opted, 4, [[1, 2], [3], [4], [5], [6], [7], [8]]),
            ([make_job(1), *opted[1:3]], 1, [[1], [2, 3]]),
            ([opted[0], make_job(2, batch_size=3, method_name="other"), opted[2]], 1, [[1], [2], [3]]),
            ([opted[0], make_job(2, batch_size=3, timeout=5), opted[2]], 1, [[1], [2], [3]]),
            ([opted[0], make_job(2, batch_size=3, concurrency_key="k"), opted[2]], 1, [[1], [2], [3]]),
            ([opted[0], make_job(2, batch_size=3, limited=True), opted[2]], 1, [[1], [2], [3]]),
        ):
            ahead, executor = Lookahead(concurrency), FakeExecutor()
            ahead.add(jobs)
            while ahead:
                ahead.hand_out([executor])
            self.assertEqual(executor.shares, expected)
            self.assertEqual([order.together for order in executor.orders], [len(share) > 1 for share in expected])

    def hand_out(self, jobs, average, concurrency=1, jobs_left=float("inf")):
        """The ids of the jobs of each order."""
        ahead, executor = Lookahead(concurrency), FakeExecutor()
        executor.jobs_left = jobs_left
        ahead.add(jobs)
        while ahead:
            ahead.hand_out([executor], average_seconds=average)
        self.assertFalse(any(order.together for order in executor.orders))
        return executor.shares

    def test_quick_jobs_go_by_several_and_leave_others_their_part(self):
        jobs = [make_job(number) for number in range(1, 10)]
        self.assertEqual(self.hand_out(jobs, 0.004), [[1, 2], [3, 4], [5, 6], [7, 8], [9]])
        self.assertEqual(self.hand_out(jobs, 0.001, 3), [[1, 2, 3], [4, 5], [6], [7], [8], [9]])
        self.assertEqual(self.hand_out(jobs, 0.0001), [[1, 2, 3, 4, 5, 6, 7, 8], [9]])

    def test_no_more_go_together_than_the_executor_has_left(self):
        jobs = [make_job(number) for number in range(1, 8)]
        self.assertEqual(self.hand_out(jobs, 0.001, jobs_left=3), [[1, 2, 3], [4, 5, 6], [7]])

    def test_jobs_that_take_longer_or_an_unknown_time_go_one_by_one(self):
        jobs = [make_job(number) for number in range(1, 4)]
        for average in (None, 0.02, 10):
            self.assertEqual(self.hand_out(jobs, average), [[1], [2], [3]])

    def test_no_job_waits_for_one_with_a_clock_or_a_slot_of_its_own_nor_does_such_a_one_wait(self):
        for values in ({"timeout": 5}, {"concurrency_key": "k"}, {"limited": True}, {"batch_size": 2}):
            jobs = [make_job(1), make_job(2, **values), make_job(3), make_job(4)]
            self.assertEqual(self.hand_out(jobs, 0.001), [[1], [2], [3, 4]])

    def test_jobs_that_come_back_are_the_first_again_in_their_order(self):
        ahead = Lookahead()
        ahead.add([make_job(5), make_job(6)])
        ahead.put_first([make_job(4), make_job(2)])
        ahead.put_first([])
        self.assertEqual([job.id for job in ahead.take_all()], [2, 4, 5, 6])
