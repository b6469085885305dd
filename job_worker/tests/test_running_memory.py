import random
from collections import Counter
from itertools import count

from odoo.tests import tagged

from ..engine.limits import lock_limits, read_rooms
from ..engine.memory import ClaimMemory
from ..engine.transaction import transaction
from .claim_case import ClaimCase

CHANNELS = ("memory.api.a", "memory.api.b", "memory.other", "memory.free")


@tagged("post_install", "-at_install")
class TestRunningMemory(ClaimCase):
    """What is remembered of running jobs must give the same count as the table."""

    def setUp(self):
        super().setUp()
        for name in ("memory.api", "memory.api.a", "memory.other"):
            self.limit(name, 1000)
        # Each look at these clocks takes a second, so that no count is quick.
        self.memories = [ClaimMemory(count().__next__), ClaimMemory(count().__next__)]
        self.short_counts = 0

    def counted(self, memory):
        """The running jobs of limited channels as a claim would count them, under the locks."""
        with self.first.cursor() as cursor, transaction(cursor):
            locked = lock_limits(cursor, {id_ for (id_,) in self.execute("SELECT id FROM queue_limit")})
            self.short_counts += not memory.running._pace.is_due
            running = read_rooms(cursor, locked, memory.running).running
        return {channel: number for channel, number in running.items() if channel.startswith("memory.") and number}

    def truth(self):
        rows = self.execute("SELECT channel FROM queue_job WHERE state = 'started' AND channel LIKE 'memory.%%'")
        return Counter(channel for (channel,) in rows)

    def test_counts_are_exact_whoever_claims_and_whatever_ends(self):
        dice = random.Random(19)
        for turn in range(120):
            self.insert(channel=dice.choice(CHANNELS), priority=dice.randrange(3))
            memory = dice.choice(self.memories)
            self.claim(dice.choice((self.first, self.second)), free=dice.randrange(4), memory=memory)
            self.execute(
                """UPDATE queue_job SET state = %s
                    WHERE id IN (SELECT id FROM queue_job WHERE state = 'started' AND channel LIKE 'memory.%%'
                                  ORDER BY md5(id::text || %s) LIMIT %s)""",
                dice.choice(("done", "pending")), str(turn), dice.randrange(4),
            )  # fmt: skip
            memory = dice.choice(self.memories)
            limited = {channel for channel in CHANNELS if channel != "memory.free"}
            expected = {channel: number for channel, number in self.truth().items() if channel in limited}
            counted = {channel: number for channel, number in self.counted(memory).items() if channel in limited}
            self.assertEqual(counted, expected, f"turn {turn}")
        self.assertGreater(self.short_counts, 30, "Most counts began where others had ended")

    def test_a_channel_that_another_worker_opens_is_counted(self):
        memory = self.memories[0]
        first = self.insert(channel="memory.api.a")
        self.assertEqual(self.claimed(memory=memory), [first])
        for _look in range(4):
            self.counted(memory)
        new = self.insert(channel="memory.api.new")
        self.assertEqual(self.claimed(self.second), [new])
        self.assertFalse(memory.running._pace.is_due)
        self.assertEqual(self.counted(memory), {"memory.api.a": 1, "memory.api.new": 1})

    def test_a_limit_that_comes_is_counted_from_the_begin(self):
        memory = self.memories[0]
        jobs = [self.insert(channel="memory.free") for _job in range(3)]
        self.assertEqual(self.claimed(memory=memory), jobs)
        self.counted(memory)
        self.limit("memory.free", 2)
        self.assertEqual(self.counted(memory), {"memory.free": 3})
        self.assertEqual(memory.running._tokens, {}, "A claim from before may still be on its way")

    def test_what_was_counted_without_the_locks_is_not_remembered(self):
        memory = ClaimMemory(count().__next__)
        self.insert(channel="memory.api.a")
        self.claim()
        with self.first.cursor() as cursor:
            for _count in range(10):
                read_rooms(cursor, None, memory.running)
                read_rooms(cursor, set(), memory.running)
        self.assertNotIn("memory.api.a", memory.running._tokens)
