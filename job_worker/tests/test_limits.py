from typing import NamedTuple

from psycopg2.errors import UniqueViolation

from odoo.tests import tagged

from ..engine.claim import promote_due_jobs
from ..engine.dependencies import release_dependents
from ..engine.keys import wake_stalled_keys
from ..engine.limits import release_slots
from ..engine.memory import ClaimMemory
from ..engine.retry import Retry
from ..engine.store import JobFailure, apply_decision, finish_job, release_jobs
from .claim_case import ClaimCase


class ClaimedKey(NamedTuple):
    concurrency_key: str
    holds_slot: bool = True


@tagged("post_install", "-at_install")
class TestLimits(ClaimCase):
    """Limits of channels, on real rows."""

    def test_no_more_jobs_of_a_channel_start_than_its_limit_and_others_are_claimed_instead(self):
        self.limit("exports", 2)
        exports = [self.insert(channel="exports", priority=1) for _job in range(4)]
        others = [self.insert() for _job in range(2)]
        self.assertEqual(self.claimed(free=4), [*exports[:2], *others])
        self.assertEqual(self.claimed(free=4), [])

    def test_the_limit_of_a_channel_counts_what_runs_below_it(self):
        self.limit("exports", 2)
        self.limit("exports.heavy", 1)
        heavy = [self.insert(channel="exports.heavy") for _job in range(2)]
        light = [self.insert(channel="exports.light.fast") for _job in range(2)]
        self.assertEqual(self.claimed(), [heavy[0], light[0]])

    def test_root_is_above_channels_of_any_name(self):
        self.limit("root", 1)
        first, _second = self.insert(channel="mail"), self.insert(channel="root.exports")
        self.assertEqual(self.claimed(), [first])

    def test_a_pause_and_a_limit_of_0_let_nothing_start_until_they_are_gone(self):
        self.limit("mail", paused=True)
        self.limit("exports", 0)
        mail, exports, other = self.insert(channel="mail"), self.insert(channel="exports.big"), self.insert()
        self.assertEqual(self.claimed(), [other])
        self.execute("UPDATE queue_limit SET paused = FALSE WHERE name = 'mail'")
        self.assertEqual(self.claimed(), [mail])
        self.execute("DELETE FROM queue_limit WHERE name = 'exports'")
        self.assertEqual(self.claimed(), [exports])

    def test_limited_jobs_are_claimed_for_idle_executors_alone(self):
        self.limit("exports", 5)
        exports = [self.insert(channel="exports", priority=1) for _job in range(3)]
        others = [self.insert() for _job in range(3)]
        jobs = self.claim(free=1, lookahead=2).jobs
        self.assertEqual([job.id for job in jobs], [exports[0], others[0], others[1]])
        self.assertEqual([job.limited for job in jobs], [True, False, False])
        self.assertEqual(sorted(job.claim_token for job in jobs), [job.claim_token for job in jobs])

    def test_while_another_worker_claims_under_a_limit_it_is_passed_by_and_tried_again_soon(self):
        self.limit("exports", 5)
        exports, other = self.insert(channel="exports"), self.insert(priority=20)
        self.second.autocommit = False
        self.addCleanup(self.second.rollback)
        with self.second.cursor() as cursor:
            cursor.execute("SELECT 1 FROM queue_limit WHERE name = 'exports' FOR UPDATE")
            claim = self.claim()
        self.assertEqual([job.id for job in claim.jobs], [other])
        self.assertLess(claim.retry_in, 0.1)
        self.second.rollback()
        self.assertEqual(self.claimed(), [exports])

    def test_a_claim_does_not_disturb_somebody_who_edits_the_limit_in_an_older_snapshot(self):
        self.limit("exports", 1)
        self.insert(channel="exports")
        self.second.set_session("REPEATABLE READ", autocommit=False)
        self.addCleanup(self.second.rollback)
        with self.second.cursor() as cursor:
            cursor.execute("SELECT 1 FROM queue_limit")
            self.assertEqual(len(self.claimed()), 1)
            cursor.execute("UPDATE queue_limit SET \"limit\" = 3 WHERE name = 'exports'")
        self.second.commit()

    def test_a_rate_lets_the_burst_start_and_says_when_it_allows_more(self):
        self.limit("mail", rate_limit=0.5, burst=2)
        jobs = [self.insert(channel="mail") for _job in range(4)]
        claim = self.claim()
        self.assertEqual([job.id for job in claim.jobs], jobs[:2])
        self.assertTrue(0 < claim.retry_in <= 2.0, claim.retry_in)
        again = self.claim(self.second)
        self.assertEqual(again.jobs, [])
        self.assertTrue(0 < again.retry_in <= 2.0, again.retry_in)

    def test_a_raised_rate_holds_at_once(self):
        self.limit("mail", rate_limit=0.001)
        jobs = [self.insert(channel="mail") for _job in range(3)]
        self.assertEqual(self.claimed(), jobs[:1])
        self.assertEqual(self.claimed(), [])
        self.execute("UPDATE queue_limit SET rate_limit = 100000, burst = 10 WHERE name = 'mail'")
        self.assertEqual(self.claimed(), jobs[1:])

    def test_nothing_is_claimed_while_modules_change_state(self):
        job = self.insert()
        self.execute("UPDATE ir_module_module SET state = 'to upgrade' WHERE name = 'job_worker'")
        self.addCleanup(self.execute, "UPDATE ir_module_module SET state = 'installed' WHERE name = 'job_worker'")
        self.assertEqual(self.claimed(), [])
        self.execute("UPDATE ir_module_module SET state = 'installed' WHERE name = 'job_worker'")
        self.assertEqual(self.claimed(), [job])

    def test_a_worker_claims_only_from_the_channels_that_it_serves(self):
        exports, _mail, other = self.insert(channel="exports.big"), self.insert(channel="mail"), self.insert()
        self.assertEqual(self.claimed(channels="exports"), [exports])
        self.assertEqual(self.claimed(channels="-mail"), [other])

    def test_fair_claims_take_channels_in_turn_whatever_their_backlogs(self):
        deep = [self.insert(channel="deep", priority=1) for _job in range(4)]
        small = [self.insert(channel="small") for _job in range(2)]
        memory = ClaimMemory()
        self.assertEqual(self.claimed(free=3, fair=True, memory=memory), [deep[0], small[0], deep[1]])
        self.assertEqual(self.claimed(free=1, fair=True, memory=memory), [small[1]])

    def test_without_fairness_priorities_hold_across_channels(self):
        late = self.insert(channel="a", priority=20)
        soon = self.insert(channel="z", priority=1)
        self.assertEqual(self.claimed(), [soon, late])


@tagged("post_install", "-at_install")
class TestKeys(ClaimCase):
    """Concurrency keys, on real rows."""

    def finish(self, job):
        with self.first.cursor() as cursor:
            self.assertTrue(finish_job(cursor.execute, job, None, 0.0))
            release_slots(cursor, [job])

    def place(self, job_id):
        return self.execute("SELECT key_place FROM queue_job WHERE id = %s", job_id)[0][0]

    def test_jobs_of_one_key_run_one_at_a_time_and_the_best_comes_first(self):
        late, soon, other = self.insert_keyed(priority=20), self.insert_keyed(priority=5), self.insert_keyed("other")
        claim = self.claim()
        self.assertEqual([job.id for job in claim.jobs], [soon, other])
        self.assertEqual(self.claimed(), [])
        self.assertEqual(self.place(late), "behind")
        self.finish(claim.jobs[0])
        self.assertEqual(self.claimed(), [late])

    def test_a_key_holds_across_channels_and_for_idle_executors_alone(self):
        first, _second = self.insert_keyed(channel="a"), self.insert_keyed(channel="b")
        plain = [self.insert(priority=20) for _job in range(2)]
        self.assertEqual(self.claimed(free=1, lookahead=5), [first, *plain])

    def test_a_more_urgent_job_of_a_key_takes_the_first_place(self):
        slow = self.insert_keyed(priority=10)
        with self.first.cursor() as cursor:
            self.limit("root", paused=True)
            self.assertEqual(self.claimed(), [])
            self.assertIsNone(self.place(slow))
            urgent = self.insert_keyed(priority=1)
            self.assertEqual(self.claimed(), [])
            self.assertEqual((self.place(urgent), self.place(slow)), (None, "behind"))
            cursor.execute("DELETE FROM queue_limit WHERE name = 'root'")
        self.assertEqual(self.claimed(), [urgent])

    def test_two_jobs_that_are_both_first_still_run_one_at_a_time(self):
        jobs = [self.insert(concurrency_key="key") for _job in range(5)]
        self.assertEqual(self.claimed(), jobs[:1])
        self.assertEqual({self.place(job) for job in jobs[1:]}, {"behind"})

    def test_the_database_itself_refuses_a_second_running_job_of_a_key(self):
        self.insert_keyed()
        second = self.insert_keyed()
        self.claim()
        with self.assertRaises(UniqueViolation):
            self.execute("UPDATE queue_job SET state = 'started' WHERE id = %s", second)

    def test_a_job_that_waits_for_its_retry_lets_the_others_of_its_key_go_on(self):
        first, second = self.insert_keyed(), self.insert_keyed()
        (job,) = self.claim().jobs
        with self.first.cursor() as cursor:
            apply_decision(cursor, job, Retry(3600), JobFailure("Error", "no"))
            release_slots(cursor, [job])
        (other,) = self.claim().jobs
        self.assertEqual((job.id, other.id), (first, second))
        self.execute("UPDATE queue_job SET scheduled_at = '2020-01-01' WHERE id = %s", first)
        with self.first.cursor() as cursor:
            promote_due_jobs(cursor)
        self.assertEqual(self.claimed(), [], "The other one runs")
        self.finish(other)
        self.assertEqual(self.claimed(), [first])

    def test_a_job_that_was_given_back_is_claimed_again(self):
        self.insert_keyed()
        (job,) = self.claim().jobs
        with self.first.cursor() as cursor:
            release_jobs(cursor, [job])
            release_slots(cursor, [job])
        self.assertEqual(self.claimed(), [job.id])

    def test_a_key_that_a_crash_has_left_without_a_first_job_is_woken(self):
        first, second = self.insert_keyed(), self.insert_keyed()
        (job,) = self.claim().jobs
        with self.first.cursor() as cursor:
            finish_job(cursor.execute, job, None, 0.0)  # and no release: the worker has died here
            self.assertEqual(self.place(second), "behind")
            self.assertEqual([head.id for head in wake_stalled_keys(cursor)], [second])
            self.assertEqual(wake_stalled_keys(cursor), [])
        self.assertEqual((job.id, self.claimed()), (first, [second]))

    def test_a_claim_that_finds_too_little_wakes_such_keys_by_itself(self):
        first, second = self.insert_keyed(), self.insert_keyed()
        with self.first.cursor() as cursor:
            cursor.execute("SELECT 1")
            self.limit("root", paused=True)
            self.claim()
        self.execute("DELETE FROM queue_limit WHERE name = 'root'")
        self.execute("UPDATE queue_job SET state = 'cancelled' WHERE id = %s", first)
        claim = self.claim()
        self.assertEqual((claim.jobs, claim.retry_in), ([], 0.0))
        self.assertEqual(self.claimed(), [second])

    def test_a_thousand_jobs_of_a_key_are_put_behind_at_once(self):
        self.execute(
            """INSERT INTO queue_job (uuid, state, model_name, method_name, payload, channel, priority, max_retries,
                                      create_date, concurrency_key, key_place)
               SELECT gen_random_uuid(), 'pending', 'res.partner', 'read', '{}', 'root', 1, 5,
                      clock_timestamp() AT TIME ZONE 'UTC', 'many', 'new' FROM generate_series(1, 1000)"""
        )
        self.addCleanup(self.execute, "DELETE FROM queue_job WHERE concurrency_key = 'many'")
        plain = self.insert(priority=20)
        claimed = self.claimed(free=5)
        self.assertEqual((len(claimed), claimed[-1]), (2, plain))
        places = dict(self.execute("SELECT key_place, count(*) FROM queue_job WHERE state = 'pending' GROUP BY 1"))
        self.assertEqual(places, {"behind": 999})


@tagged("post_install", "-at_install")
class TestMemory(ClaimCase):
    """What is remembered from claim to claim must not lose a job."""

    def setUp(self):
        super().setUp()
        self.time = 0.0
        self.memory = ClaimMemory(clock=lambda: self.time)

    def walk_slowly(self, job_count=2):
        """Claim with a full walk that takes a second by the clock of the memory."""
        pace, ticks = self.memory._heads_pace, iter((self.time, self.time, self.time + 1.0))
        clock, pace.clock = pace.clock, lambda: next(ticks, self.time + 1.0)
        claimed = self.claimed(free=1, memory=self.memory)
        pace.clock = clock
        self.time += 1.5
        return claimed

    def test_after_a_slow_walk_the_next_one_begins_where_it_ended(self):
        jobs = [self.insert(), self.insert()]
        self.assertEqual(self.walk_slowly(), jobs[:1])
        self.assertEqual([head.id for head in self.memory.heads], jobs[:1])
        self.assertEqual(self.claimed(free=1, memory=self.memory), jobs[1:])

    def test_a_more_urgent_job_is_found_soon_when_told_and_after_a_while_when_not(self):
        _first, second = self.insert(), self.insert()
        self.walk_slowly()
        urgent = self.insert(priority=1)
        self.assertEqual(self.claimed(free=1, memory=self.memory), [second], "It isn't known yet")
        self.memory.doubt()
        self.time = 5.1
        self.assertEqual(self.claimed(free=1, memory=self.memory), [urgent])

        self.insert()
        self.time = 1000.0
        self.walk_slowly()
        urgent = self.insert(priority=1, channel="another")
        self.time += 31.0
        self.assertEqual(self.claimed(free=1, memory=self.memory), [urgent], "Nobody told, but it isn't lost")

    def test_the_next_job_of_a_key_is_known_at_once(self):
        first, second = self.insert_keyed(priority=5), self.insert_keyed(priority=1, scheduled=True)
        self.insert()
        self.assertEqual(self.walk_slowly(), [first])
        self.execute("UPDATE queue_job SET scheduled = FALSE WHERE id = %s", second)
        self.assertEqual(self.claimed(free=1, memory=self.memory)[0] == second, False, "The key is taken")
        self.execute("UPDATE queue_job SET state = 'done' WHERE id = %s", first)
        with self.first.cursor() as cursor:
            release_slots(cursor, [ClaimedKey("key")], self.memory)
        self.assertEqual(self.claimed(free=1, memory=self.memory), [second])

    def test_what_an_end_has_released_is_known_at_once(self):
        parent, child = self.insert(), self.insert(state="waiting", blockers=1, channel="another")
        self.execute(
            "INSERT INTO queue_job_dependency (job_id, depends_on_id, kind, released) VALUES (%s, %s, 'done', FALSE)",
            child, parent,
        )  # fmt: skip
        self.assertEqual(self.walk_slowly(), [parent])
        self.execute("UPDATE queue_job SET state = 'done' WHERE id = %s", parent)
        with self.first.cursor() as cursor:
            release_dependents(cursor, [parent], self.memory)
        self.assertIsNotNone(self.memory.heads)
        self.assertEqual(self.claimed(free=1, memory=self.memory), [child])

    def test_what_has_fallen_due_is_known_at_once(self):
        first = self.insert()
        scheduled = self.insert(scheduled=True, scheduled_at="2020-01-01", channel="another")
        self.assertEqual(self.walk_slowly(), [first])
        with self.first.cursor() as cursor:
            promote_due_jobs(cursor, self.memory)
        self.assertIsNotNone(self.memory.heads)
        self.assertEqual(self.claimed(free=1, memory=self.memory), [scheduled])

    def test_a_quick_walk_is_made_each_time(self):
        self.insert()
        self.claim(free=1, memory=self.memory)
        self.assertIsNone(self.memory.heads)
