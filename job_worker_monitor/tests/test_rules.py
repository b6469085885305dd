"""Every kind of rule: what it measures, when it fires and when it resolves, to the minute."""

from datetime import timedelta

from odoo import fields
from odoo.tests import tagged

from .common import NOW, minutes
from .rule_case import RuleCase


@tagged("post_install", "-at_install")
class TestRules(RuleCase):
    # -- failures -------------------------------------------------------------------

    def test_failed_jobs_fire_while_they_are_in_the_window(self):
        rule = self.make_rule("failed_count", threshold=2, window_minutes=10)
        self.make_job("failed", ended=NOW)
        self.make_job("failed", ended=NOW + minutes(3))
        self.fires_from_to(rule, 3, 9, before=-4)

    def test_fewer_failed_jobs_than_the_threshold_do_not_fire(self):
        rule = self.make_rule("failed_count", threshold=3)
        self.make_job("failed")
        self.make_job("failed")
        self.turn()
        self.assertFalse(rule.alert_ids)

    def test_the_failure_rate_fires_at_its_threshold(self):
        rule = self.make_rule("failure_rate", threshold=25, window_minutes=5, min_jobs=4)
        for state in ("done", "done", "done", "failed", "cancelled"):
            self.make_job(state)
        self.fires_from_to(rule, 0, 4)
        self.assertEqual(rule.alert_ids.peak, 25)

    def test_the_failure_rate_of_too_few_jobs_says_nothing(self):
        rule = self.make_rule("failure_rate", threshold=25, min_jobs=4)
        for state in ("done", "failed", "failed"):
            self.make_job(state)
        self.turn()
        self.assertFalse(rule.alert_ids)

    def test_failed_attempts_fire_though_the_jobs_are_retried(self):
        rule = self.make_rule("error_count", threshold=2, window_minutes=3)
        job = self.make_job("pending")
        self.make_attempt(job, NOW)
        self.make_attempt(job, NOW + minutes(1))
        self.fires_from_to(rule, 1, 2)

    def test_a_streak_of_failures_fires_for_its_function(self):
        rule = self.make_rule("failing_streak", threshold=3, window_minutes=60)
        for minute in range(-5, 0):
            self.make_job("failed", ended=NOW + minutes(minute), method_name="bad")
            self.make_job("failed", ended=NOW + minutes(minute), method_name="mixed")
        self.make_job("done", ended=NOW - minutes(1) - timedelta(seconds=1), method_name="mixed")
        self.turn()
        self.assertEqual(self.firing(rule), {"res.partner.bad": 5})

    def test_a_success_ends_the_streak_to_the_second(self):
        rule = self.make_rule("failing_streak", threshold=1, window_minutes=60)
        self.make_job("failed", ended=NOW)
        self.turn()
        self.assertEqual(self.firing(rule), {"res.partner.write": 1})
        self.make_job("done", ended=NOW + timedelta(seconds=1))
        self.turn()
        self.assertEqual(self.firing(rule), {})
        self.make_job("failed", ended=NOW + timedelta(seconds=2))
        self.turn()
        self.assertEqual(self.firing(rule), {"res.partner.write": 1})

    # -- the queue ------------------------------------------------------------------

    def test_depth_counts_jobs_that_could_run(self):
        rule = self.make_rule("depth", threshold=2)
        jobs = [self.make_job("pending") for _number in range(2)]
        self.make_job("pending", scheduled=True, scheduled_at=NOW + minutes(60))
        self.make_job("waiting")
        self.turn()
        self.assertEqual(self.firing(rule), {"": 2})
        self.env["queue.job"].browse(jobs[0]).button_cancel()
        self.turn(1)
        self.assertEqual(self.firing(rule), {})
        self.assertEqual(rule.alert_ids.text, "2 jobs are ready and not running (limit 2)", "What was wrong")

    def test_the_oldest_age_fires_when_a_job_is_so_old(self):
        rule = self.make_rule("oldest_age", threshold=300)
        job = self.make_job("pending", wait=0)
        for minute, expected in ((4, {}), (5, {"": 300}), (6, {"": 360})):
            self.turn(minute)
            self.assertEqual(self.firing(rule), expected)
        self.env["queue.job"].browse(job).button_done()
        self.turn(7)
        self.assertEqual(self.firing(rule), {})

    def test_depth_and_age_by_channel_are_of_the_look_of_their_turn_and_by_function_of_the_jobs(self):
        depth, age = (
            self.make_rule(kind, measured_by="channel", channel="exports") for kind in ("depth", "oldest_age")
        )
        of_function = self.make_rule("depth", function="res.partner.write")
        for channel, wait in (("exports", 10), ("exports.big", 30), ("exports.big", 20), ("mail", 99)):
            self.make_job("pending", channel=channel, wait=wait)
        self.turn()
        self.make_job("pending", channel="exports", wait=500)
        self.env["queue.alert"]._evaluate(NOW)
        self.assertEqual(self.firing(depth), {"exports": 1, "exports.big": 2})
        self.assertEqual(self.firing(age), {"exports": 10, "exports.big": 30})
        self.assertEqual(self.firing(of_function), {"": 5})
        self.turn(1)
        self.assertEqual(self.firing(depth), {"exports": 2, "exports.big": 2})
        self.assertEqual(self.firing(age), {"exports": 560, "exports.big": 90})

    def test_the_average_wait_fires_for_the_window(self):
        rule = self.make_rule("wait_average", threshold=30, window_minutes=2)
        self.make_job(wait=10)
        self.make_job(wait=50)
        self.fires_from_to(rule, 0, 1)
        self.assertEqual(rule.alert_ids.peak, 30)

    def test_the_95th_percentile_of_durations_is_not_the_average(self):
        rule = self.make_rule("duration_p95", threshold=60, window_minutes=2)
        for _number in range(9):
            self.make_job(duration=1)
        self.make_job(duration=200)
        self.fires_from_to(rule, 0, 1)
        self.assertAlmostEqual(rule.alert_ids.peak, 1 + 199 * 0.55, delta=0.05 * 111)

    def test_the_95th_percentile_of_short_jobs_does_not_fire(self):
        rule = self.make_rule("duration_p95", threshold=60)
        for _number in range(99):
            self.make_job(duration=1)
        self.make_job(duration=200)
        self.turn()
        self.assertFalse(rule.alert_ids)

    def test_a_channel_is_stalled_when_jobs_are_ready_and_nothing_runs_or_ends(self):
        rule = self.make_rule("channel_stalled", threshold=300)
        self.make_job("pending", wait=0, channel="stalled")
        self.make_job("pending", wait=0, channel="busy")
        self.make_job("started", channel="busy")
        self.make_job("pending", wait=0, channel="moving")
        self.make_job("done", ended=NOW + minutes(2), channel="moving")
        for minute, expected in ((4, {}), (5, {"stalled": 300}), (7, {"stalled": 420, "moving": 300})):
            self.turn(minute)
            self.assertEqual(self.firing(rule), expected)
        self.make_job("done", ended=NOW + minutes(8), channel="stalled")
        self.turn(8)
        self.assertEqual(self.firing(rule), {"moving": 360})

    def test_a_channel_that_someone_paused_is_not_stalled(self):
        rule = self.make_rule("channel_stalled", threshold=300)
        for channel in ("root.held", "root.held.below", "root.open"):
            self.make_job("pending", wait=600, channel=channel)
        self.env["queue.limit"].create({"name": "root.held", "paused": True})
        self.turn()
        self.assertEqual(self.firing(rule), {"root.open": 600})

    # -- workers --------------------------------------------------------------------

    def test_no_worker_fires_without_one_and_resolves_with_one(self):
        rule = self.make_rule("no_worker", hold_minutes=2)
        for minute, expected in ((0, {}), (1, {}), (2, {"": 1})):
            self.turn(minute)
            self.assertEqual(self.firing(rule), expected)
        self.make_worker(heartbeat=NOW + minutes(3))
        self.turn(3)
        self.assertEqual(self.firing(rule), {})

    def test_a_worker_that_hangs_counts_as_none(self):
        rule = self.make_rule("no_worker")
        self.make_worker(heartbeat=NOW)
        self.turn(1)
        self.assertEqual(self.firing(rule), {}, "60 seconds without a heartbeat are not too many")
        self.turn(2)
        self.assertEqual(self.firing(rule), {"": 1})

    def test_a_dead_worker_that_nobody_has_found_fires(self):
        rule = self.make_rule("dead_workers")
        self.make_worker()
        dead = self.make_worker(alive=False)
        self.turn()
        self.assertEqual(self.firing(rule), {"": 1})
        self.env.cr.execute("DELETE FROM queue_worker WHERE id = %s", [dead])  # as another worker does on finding it
        self.env.cr.execute("UPDATE queue_monitor_worker SET ended_at = %s", [NOW + minutes(1)])
        self.turn(1)
        self.assertEqual(self.firing(rule), {"": 1}, "It is gone from the list, but not forgotten")
        self.env.cr.execute("UPDATE queue_worker SET heartbeat = %s", [NOW + minutes(10)])
        self.turn(10)
        self.assertEqual(self.firing(rule), {"": 1})
        self.env.cr.execute("UPDATE queue_worker SET heartbeat = %s", [NOW + minutes(11)])
        self.turn(11)
        self.assertEqual(self.firing(rule), {})

    def test_a_worker_that_stops_by_itself_has_not_died(self):
        worker = self.make_worker()
        self.env.cr.execute("DELETE FROM queue_worker WHERE id = %s", [worker])
        self.assertEqual(self.env["queue.monitor.worker"].search([]).mapped("died"), [False])

    def test_a_worker_behind_a_pooler_is_judged_by_its_heartbeat(self):
        rule = self.make_rule("dead_workers")
        worker = self.make_worker(alive=False, session_lock=False)
        self.turn()
        self.assertEqual(self.firing(rule), {})
        self.turn(2)
        self.assertEqual(self.firing(rule), {"": 1})
        self.env.cr.execute("DELETE FROM queue_worker WHERE id = %s", [worker])
        stopping = self.make_worker(alive=False, session_lock=False, heartbeat=fields.Datetime.now())
        self.env.cr.execute("DELETE FROM queue_worker WHERE id = %s", [stopping])
        self.assertEqual(self.env["queue.monitor.worker"].search([], order="id").mapped("died"), [True, False])
