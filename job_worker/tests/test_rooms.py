import random

from odoo.tests.common import BaseCase

from ..engine.channels import ChannelFilter, lineage
from ..engine.pick import Candidate, order_fairly, pick_jobs
from ..engine.rooms import MICROSECONDS, Limit, Rooms

NO_LIMIT = {"limit": -1, "rate_limit": 0.0, "burst": 1, "paused": False}


def limit(name, id_=1, **values):
    return Limit(**{**NO_LIMIT, "id": id_, "name": name, **values})


def candidate(id_, channel="root", priority=10, key=None, busy=False):
    return Candidate(id_, channel, priority, "2030-01-01", key, busy)


class TestChannels(BaseCase):
    def test_root_is_above_all_channels(self):
        self.assertEqual(lineage("exports.heavy"), ["root", "exports", "exports.heavy"])
        self.assertEqual(lineage("root.exports"), ["root", "root.exports"])

    def test_a_filter_serves_what_it_names_with_all_below_and_never_what_it_excludes(self):
        served = ChannelFilter.parse(" exports, root.mail ,-root.mail.bulk")
        for channel, expected in {
            "exports": True,
            "exports.heavy": True,
            "export": False,
            "exports_old": False,
            "root.mail": True,
            "root.mail.fast": True,
            "root.mail.bulk": False,
            "root.mail.bulk.x": False,
            "root": False,
        }.items():
            self.assertEqual(served.serves(channel), expected, channel)

    def test_only_exclusions_mean_all_but_those_and_nothing_means_all(self):
        self.assertTrue(ChannelFilter.parse("-exports").serves("root"))
        self.assertFalse(ChannelFilter.parse("-exports").serves("exports.heavy"))
        for text in ("", None, " , ", "root"):
            self.assertTrue(ChannelFilter.parse(text).serves("anything"), text)

    def test_a_filter_that_can_not_be_is_refused_with_the_bad_part(self):
        bad = {"exports,a..b": "a..b", "a b.": "a b.", "--x": "-x", "-root": "-root", "a,-a": "a,-a"}
        for text, part in bad.items():
            with self.assertRaisesRegex(ValueError, part):
                ChannelFilter.parse(text)


class TestRooms(BaseCase):
    def test_a_job_counts_in_its_channel_and_in_all_above(self):
        rooms = Rooms([limit("root", limit=9), limit("a", 2, limit=3)], {"a": 1, "a.b": 1, "c": 2}, now=0)
        self.assertTrue(rooms.is_open("a.b.c"))
        rooms.take("a.b.c")
        self.assertFalse(rooms.is_open("a"))
        self.assertTrue(rooms.is_open("c"))

    def test_a_limit_of_0_and_a_pause_let_nothing_start_and_minus_1_lets_all(self):
        for values, expected in (({"limit": 0}, False), ({"paused": True}, False), ({"limit": -1}, True)):
            self.assertEqual(Rooms([limit("a", **values)], {}, now=0).is_open("a"), expected, values)
        self.assertFalse(Rooms([limit("a")], {}, now=0).is_limited("a"))

    def test_a_rate_allows_the_burst_and_tells_when_it_allows_more(self):
        rate = limit("a", rate_limit=0.5, burst=3)
        self.assertEqual(rate.room(0, now=MICROSECONDS), (3, 2.0))
        rooms = Rooms([rate], {}, now=MICROSECONDS)
        for _job in range(3):
            rooms.take("a")
        self.assertFalse(rooms.is_open("a"))
        self.assertEqual(rooms.retry_in(["a", "b"]), 2.0)

    def test_in_any_window_a_rate_is_kept_whatever_the_times_of_the_claims(self):
        generator = random.Random(7)
        for rate, burst in ((5.0, 1), (20.0, 4), (0.7, 2), (333.0, 10)):
            tat, now, starts = None, 10**15, []
            for _claim in range(400):
                now += generator.choice((1000, 30_000, 400_000, 3_000_000))
                room, _wait = limit("a", rate_limit=rate, burst=burst, tat=tat).room(0, now)
                count = min(room, generator.randint(0, 6))
                starts += [now] * count
                step = limit("a", rate_limit=rate)
                tat = max(tat or 0, now) + count * step.interval if count else tat
            for first in range(0, len(starts), 3):
                for last in range(first, min(first + 60, len(starts))):
                    seconds = (starts[last] - starts[first]) / MICROSECONDS
                    self.assertLessEqual(last - first + 1, rate * seconds + burst + 1e-6)
            self.assertGreater(len(starts), 100)

    def test_a_raised_rate_holds_at_once(self):
        slow = limit("a", rate_limit=0.001, tat=1000 * MICROSECONDS)
        self.assertEqual(slow.room(0, now=0)[0], 0)
        fast = limit("a", rate_limit=10.0, tat=1000 * MICROSECONDS)
        self.assertEqual(fast.room(0, now=0)[0], 1)

    def test_a_pause_above_leaves_nothing_to_wait_for(self):
        rooms = Rooms([limit("a", paused=True), limit("a.b", 2, rate_limit=1.0, tat=MICROSECONDS)], {}, now=0)
        self.assertIsNone(rooms.retry_in(["a.b"]))


class TestPick(BaseCase):
    def pick(self, candidates, limits=(), free=2, count=4, running=None):
        return pick_jobs(candidates, Rooms(limits, running or {}, now=0), free, count)

    def test_what_is_full_or_busy_is_passed_by(self):
        jobs = [candidate(1, "a"), candidate(2, "a"), candidate(3, key="k", busy=True), candidate(4, key="l")]
        picked = self.pick(jobs, [limit("a", limit=1)])
        self.assertEqual((picked.ids, picked.blocked_keys), ([1, 4], {"k"}))

    def test_of_one_key_only_one_is_picked(self):
        picked = self.pick([candidate(1, key="k"), candidate(2, key="k"), candidate(3)])
        self.assertEqual((picked.ids, picked.blocked_keys), ([1, 3], {"k"}))

    def test_what_is_limited_or_keyed_is_picked_for_idle_executors_alone(self):
        jobs = [candidate(1), candidate(2), candidate(3, "a"), candidate(4, key="k"), candidate(5)]
        self.assertEqual(self.pick(jobs, [limit("a", limit=5)], free=2).ids, [1, 2, 5])
        self.assertEqual(self.pick(jobs, [limit("a", limit=5)], free=4).ids, [1, 2, 3, 4])

    def test_fair_order_goes_round_the_channels_and_counts_what_runs(self):
        deep = [candidate(id_, "deep") for id_ in range(1, 6)]
        jobs = [*deep, candidate(10, "small"), candidate(11, "small")]
        self.assertEqual([job.id for job in order_fairly(jobs, {}, {})], [1, 10, 2, 11, 3, 4, 5])
        self.assertEqual([job.id for job in order_fairly(jobs, {}, {"deep": 2})][:3], [10, 11, 1])

    def test_fair_order_begins_with_the_channel_that_was_served_the_longest_ago(self):
        jobs = [candidate(1, "deep"), candidate(2, "small")]
        self.assertEqual([job.id for job in order_fairly(jobs, {"deep": 5, "small": 4}, {})], [2, 1])
