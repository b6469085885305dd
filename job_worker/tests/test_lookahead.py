from hypothesis import given, strategies as st

from odoo.tests.common import BaseCase

from ..engine.job import COLUMNS, ClaimedJob
from ..engine.processes.lookahead import AHEAD_SECONDS, MAX_JOBS, Lookahead, wanted_ahead


class FakeExecutor(list):
    """Remembers what it was told to start."""

    def __init__(self):
        super().__init__()
        self.batches = []

    def start(self, jobs, watched):
        self.batches.append([job.id for job in jobs])
        self.extend(jobs)


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
            self.assertEqual(executor.batches, expected)
