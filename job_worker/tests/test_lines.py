import os
import random

from odoo.tests import tagged

from ..engine.job import ClaimedJob
from ..engine.processes.lookahead import Lookahead
from ..engine.rescue import rescue_orphans
from ..engine.retry import Released
from ..engine.store import finish_job
from ..engine.workers import register_worker
from ..runtime.line import Line
from .claim_case import ClaimCase

ROUNDS = 25


class Hand:
    """An executor without a process."""

    def __init__(self):
        self.jobs = []

    def start(self, order):
        self.jobs = list(order.jobs)


@tagged("post_install", "-at_install")
class TestLines(ClaimCase):
    """Quick jobs stand in lines, each for one executor."""

    def lines(self, **options):
        """The ids of the jobs that are claimed, line by line."""
        lines = {}
        for job in self.claim(free=2, lookahead=50, **options).jobs:
            lines.setdefault(job.line_token, []).append(job.id)
        return list(lines.values())

    def test_lines_are_no_longer_than_asked_for_and_leave_each_executor_a_part(self):
        for line, executors, expected in ((1, 1, [1] * 7), (3, 1, [3, 3, 1]), (8, 2, [3, 3, 1]), (8, 9, [1] * 7)):
            ids = [self.insert() for _number in range(7)]
            lines = self.lines(line=line, executors=executors)
            self.assertEqual([len(line) for line in lines], expected)
            self.assertEqual(sum(lines, []), ids)

    def test_nothing_waits_for_a_job_with_a_clock_a_slot_or_a_batch_of_its_own_nor_does_such_a_job_wait(self):
        self.limit("root.limited", 1)
        for values in ({"timeout": 5}, {"batch_size": 5}, {"concurrency_key": "key"}, {"channel": "root.limited"}):
            with self.subTest(values):
                first, special, last = self.insert(), self.insert(**values), self.insert()
                lines = self.lines(line=8, executors=1)
                self.assertCountEqual(lines, [[first, last], [special]])
                self.execute("UPDATE queue_job SET state = 'done' WHERE id = ANY(%s)", [first, special, last])

    def test_a_rescuer_charges_exactly_what_was_running(self):
        for seed in range(ROUNDS):
            chance = random.Random(seed)
            with self.subTest(seed=seed), self.first.cursor() as cursor:
                concurrency = chance.choice((1, 2, 4))
                worker_id = self.register(concurrency)
                running = self.play(cursor, chance, worker_id, concurrency)
                rescued = rescue_orphans(self.first, [worker_id], 0)
                charged = {orphan.id for orphan, decision in rescued if not isinstance(decision, Released)}
                self.assertEqual(charged, running)
                self.assertGreater(len(rescued), len(charged), "There was more than what ran")
                self.execute("DELETE FROM queue_job")

    def register(self, concurrency):
        return register_worker(
            self.first,
            name="dead",
            hostname="test",
            pid=os.getpid(),
            version="0",
            concurrency=concurrency,
            channels=None,
        )

    def play(self, cursor, chance, worker_id, concurrency):
        """Let a worker claim and run some jobs; return the ids of those that run in the end."""
        for number in range(30):
            self.insert(**chance.choice(({}, {}, {}, {"timeout": 5}, {"concurrency_key": f"key {number}"})))
        self.worker_id, own = worker_id, self.worker_id
        jobs = self.claim(free=concurrency, lookahead=20, line=chance.randint(1, 8), executors=concurrency).jobs
        self.worker_id = own
        ahead, hands = Lookahead(concurrency), [Hand() for _number in range(concurrency)]
        ahead.add(jobs)
        for _step in range(chance.randint(0, 12)):
            ahead.hand_out([hand for hand in hands if not hand.jobs])
            hand = chance.choice(hands)
            self.assertTrue(finish_job(cursor.execute, hand.jobs.pop(0), None, 0.1))
        ahead.hand_out([hand for hand in hands if not hand.jobs])
        return {hand.jobs[0].id for hand in hands}


class TestLine(ClaimCase):
    """How an executor walks through a line."""

    def setUp(self):
        super().setUp()
        self.permits = 0
        self.asked = []
        self.begun = []

    def may_follow(self):
        self.asked.append(self.permits)
        self.permits -= 1
        return self.permits >= 0

    def line(self, count):
        fields = dict.fromkeys(ClaimedJob.__dataclass_fields__)
        self.jobs = [ClaimedJob(**{**fields, "id": number}) for number in range(count)]
        return Line(self.jobs, self.begun.append, self.may_follow)

    def test_the_job_that_follows_is_asked_for_once_and_then_runs(self):
        line, self.permits = self.line(3), 2
        self.assertIs(line.advance(), self.jobs[0])
        self.assertIs(line.following(), self.jobs[1])
        self.assertIs(line.following(), self.jobs[1])
        self.assertEqual((self.begun, self.asked), ([0], [2]))
        self.assertIs(line.advance(), self.jobs[1])
        self.assertIs(line.advance(), self.jobs[2])
        self.assertEqual((self.begun, self.asked), ([0, 1, 2], [2, 1]))
        self.assertIsNone(line.following())
        self.assertIsNone(line.advance())
        self.assertEqual(len(self.asked), 2)

    def test_what_was_taken_back_does_not_run(self):
        line, self.permits = self.line(3), 1
        self.assertEqual([line.advance(), line.advance(), line.advance()], [self.jobs[0], self.jobs[1], None])
        self.assertEqual(self.begun, [0, 1])
