from hypothesis import given, strategies as st

from odoo.tests.common import BaseCase

from ..engine.job import COLUMNS, ClaimedJob
from ..engine.processes.lookahead import (
    AHEAD_SECONDS,
    LINE_SECONDS,
    MAX_JOBS,
    MAX_LINE,
    Lookahead,
    line_length,
    wanted_ahead,
)


class FakeExecutor(list):
    """Remembers what it was told to start."""

    def __init__(self):
        super().__init__()
        self.orders = []

    def start(self, order):
        self.orders.append(order)
        self.extend(order.jobs)

    @property
    def shares(self):
        return [[job.id for job in order.jobs] for order in self.orders]


def make_job(id_, **values):
    values = {"timeout": 0, "method_name": "write", "concurrency_key": None, "line_token": 100 + id_, **values}
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

    def test_a_line_goes_to_one_executor_whatever_stands_between(self):
        ahead, executor = Lookahead(2), FakeExecutor()
        lines = {1: 101, 2: 102, 3: 101, 4: 101, 5: 105, 6: 105}
        ahead.add([make_job(number, line_token=token) for number, token in lines.items()])
        self.assertEqual((len(ahead), ahead.claims[4]), (6, 104))
        self.assertEqual(ahead.take(3).id, 3)
        while ahead:
            ahead.hand_out([executor])
        self.assertEqual(executor.shares, [[1, 4], [2], [5, 6]])
        self.assertFalse(any(order.together for order in executor.orders))

    def test_what_is_left_of_a_line_whose_jobs_were_all_taken_is_nothing(self):
        ahead = Lookahead()
        ahead.add([make_job(1, line_token=101), make_job(2, line_token=101)])
        ahead.take(1)
        ahead.take(2)
        self.assertFalse(ahead)
        self.assertEqual(ahead.deadline, float("inf"))

    @given(st.floats(0, 1e6))
    def test_a_line_takes_no_longer_than_a_moment(self, average):
        self.assertLessEqual((line_length(average) - 1) * average, LINE_SECONDS)

    def test_jobs_stand_in_line_only_when_they_are_known_to_be_quick(self):
        self.assertEqual([line_length(average) for average in (None, 10, 0.006, 0.002, 0)], [1, 1, 1, 5, MAX_LINE])
