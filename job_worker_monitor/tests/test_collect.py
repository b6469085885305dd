from datetime import datetime, timedelta
from random import Random
from unittest.mock import patch

from odoo.tests import tagged
from odoo.tools import SQL

from ..metrics import histogram
from ..metrics.queries import count_minutes
from ..models.queue_metric_collect import AGED_AFTER
from .common import NOW, MonitorCase, minutes


@tagged("post_install", "-at_install")
class TestCollect(MonitorCase):
    def test_ended_jobs_are_counted_by_minute_channel_function_and_outcome(self):
        self.make_job()
        self.make_job(ended=NOW + timedelta(seconds=59.9))
        self.make_job("failed", channel="exports")
        self.make_job("cancelled", method_name="unlink")
        self.make_job("pending")
        self.metrics._collect(NOW + minutes(1))
        self.assertEqual(
            self.rows(),
            {
                (NOW, "root", "res.partner.write", "done"): 2,
                (NOW, "exports", "res.partner.write", "failed"): 1,
                (NOW, "root", "res.partner.unlink", "cancelled"): 1,
            },
        )

    def test_durations_and_waits_are_summed_and_in_histograms(self):
        for duration in (0.5, 1.0, 7.25):
            self.make_job(wait=4.0, duration=duration)
        self.metrics._collect(NOW)
        row = self.minutes()
        self.assertEqual((row.duration_count, row.wait_count), (3, 3))
        self.assertAlmostEqual(row.duration_sum, 8.75)
        self.assertAlmostEqual(row.wait_sum, 12)
        expected = {str(histogram.bucket_of(value)): 1 for value in (0.5, 1.0, 7.25)}
        self.assertEqual(row.duration_histogram, expected)
        self.assertEqual(row.wait_histogram, {str(histogram.bucket_of(4.0)): 3})

    def minutes(self, **conditions):
        domain = [("resolution", "=", "minute"), ("function", "!=", "")]
        return self.metrics.search(domain + [(name, "=", value) for name, value in conditions.items()])

    def test_all_channels_and_functions_together_have_a_row_too(self):
        self.make_job(duration=1)
        self.make_job(duration=5, channel="exports")
        self.make_job("failed", method_name="unlink")
        self.metrics._collect(NOW)
        for resolution in ("minute", "hour", "day"):
            rows = self.metrics.search([("resolution", "=", resolution), ("function", "=", ""), ("channel", "=", "")])
            self.assertEqual({row.outcome: row.count for row in rows}, {"done": 2, "failed": 1})
            done = rows.filtered(lambda row: row.outcome == "done")
            self.assertEqual(done.duration_histogram, {str(histogram.bucket_of(value)): 1 for value in (1, 5)})

    def test_the_wait_of_a_scheduled_job_is_from_when_it_was_due(self):
        self.make_job(wait=3600, scheduled_at=NOW - timedelta(seconds=5), duration=2.0)
        self.metrics._collect(NOW)
        self.assertAlmostEqual(self.minutes().wait_sum, 3)

    def test_the_wait_of_a_dependent_is_from_when_what_it_depends_on_ended(self):
        parent = self.make_job(ended=NOW - timedelta(seconds=12), channel="first")
        child = self.make_job(wait=3600, duration=2.0, graph_uuid="graph")
        self.env.cr.execute(
            "INSERT INTO queue_job_dependency (job_id, depends_on_id, kind, released) VALUES (%s, %s, 'done', TRUE)",
            [child, parent],
        )
        self.metrics._collect(NOW)
        self.assertAlmostEqual(self.minutes(channel="root").wait_sum, 10)

    def test_what_a_person_ended_has_no_duration(self):
        self.make_job(duration=3.0, started_at=NOW - timedelta(hours=2))
        self.make_job("failed", started_at=None, duration=None)
        self.metrics._collect(NOW)
        self.assertEqual(
            self.rows(), {(NOW, "root", "res.partner.write", outcome): 1 for outcome in ("done", "failed")}
        )
        self.assertEqual(sum(self.metrics.search([]).mapped("duration_count")), 0)

    def test_failed_attempts_are_counted_apart(self):
        job = self.make_job("pending", attempts=2)
        self.make_attempt(job, NOW)
        self.make_attempt(job, NOW - minutes(2))
        self.metrics._collect(NOW)
        self.assertEqual(
            self.rows(outcome="error"),
            {(moment, "root", "res.partner.write", "error"): 1 for moment in (NOW, NOW - minutes(2))},
        )

    def test_collecting_again_changes_nothing(self):
        for duration in (0.5, 3):
            self.make_job(duration=duration)
        self.make_job("pending", channel="exports")
        snapshots = []
        levels = self.env["queue.metric.level"]
        names = set(levels._fields) - {"id", "display_name"}
        for _turn in range(3):
            self.metrics._collect(NOW)
            read = [row | {"id": 0} for row in levels.search([], order="resolution, channel").read(names)]
            snapshots.append([self.metrics.search([], order="id").read(), read])
        self.assertEqual(snapshots[0], snapshots[1])
        self.assertEqual(snapshots[1], snapshots[2])

    def test_a_commit_that_comes_late_is_counted_in_its_minute(self):
        self.make_job()
        self.metrics._collect(NOW)
        self.make_job()  # stamped with the minute that has been counted
        self.metrics._collect(NOW + minutes(4))
        key = "root", "res.partner.write", "done"
        self.assertEqual(self.rows(), {(NOW, *key): 2})
        self.assertEqual(self.rows("hour"), {(datetime(2026, 3, 29, 12), *key): 2})
        self.assertEqual(self.rows("day"), {(datetime(2026, 3, 29), *key): 2})

    def test_a_failure_stays_counted_when_the_job_is_requeued(self):
        job = self.make_job("failed")
        self.metrics._collect(NOW)
        self.env["queue.job"].browse(job).button_requeue()
        self.metrics._collect(NOW + minutes(1))
        self.assertEqual(self.rows(), {(NOW, "root", "res.partner.write", "failed"): 1})

    def test_after_a_standstill_the_gap_is_filled(self):
        self.metrics._collect(NOW - timedelta(hours=9))
        for hour in range(9):
            self.make_job(ended=NOW - timedelta(hours=hour))
        self.metrics._collect(NOW)
        self.assertEqual(len(self.rows()), 9)
        self.assertEqual(len(self.rows("hour")), 9)
        self.assertEqual(sum(self.rows("day").values()), 9)

    def test_hours_and_days_are_the_sums_of_their_minutes_through_a_change_to_summer_time(self):
        # The clocks of Europe/Brussels go from 2 to 3 at 01:00 UTC of this day.
        self.env.user.tz = "Europe/Brussels"
        midnight = datetime(2026, 3, 29)
        for quarter in range(96):
            self.make_job(ended=midnight + minutes(15 * quarter), duration=quarter + 1.0)
            self.metrics._collect(midnight + minutes(15 * quarter))
        hours = self.rows("hour")
        self.assertEqual(len(hours), 24)
        self.assertEqual(set(hours.values()), {4})
        day = self.metrics.search([("resolution", "=", "day"), ("function", "!=", "")])
        self.assertEqual((day.period, day.count, day.duration_sum), (midnight, 96, sum(range(1, 97))))
        self.assertEqual(sum(day.duration_histogram.values()), 96)

    def test_companies_are_counted_apart(self):
        company = self.env["res.company"].create({"name": "Other"})
        self.make_job(company_id=company.id)
        self.make_job(company_id=self.env.company.id)
        self.make_job()
        self.metrics._collect(NOW)
        rows = self.minutes()
        self.assertEqual(
            {row.company_id.id: row.count for row in rows}, {company.id: 1, self.env.company.id: 1, False: 1}
        )

    def test_levels_are_looked_at_each_minute_and_averaged(self):
        for wait in (30, 90):
            self.make_job("pending", wait=wait)
        self.make_job("pending", scheduled=True, scheduled_at=NOW + minutes(60))
        self.make_job("waiting")
        self.make_job("started")
        self.metrics._collect(NOW)
        levels = self.env["queue.metric.level"]
        level = levels.search([("resolution", "=", "minute"), ("channel", "=", "root")])
        self.assertEqual(
            (level.ready, level.scheduled, level.waiting, level.started, level.oldest_max), (2, 1, 1, 1, 90)
        )
        self.make_job("pending")
        self.metrics._collect(NOW + minutes(1))
        hour = levels.search([("resolution", "=", "hour"), ("channel", "=", "root")])
        self.assertEqual((hour.samples, hour.ready, hour.ready_max), (2, 5, 3))

    def test_levels_are_those_of_a_plain_count_whatever_the_channels_companies_and_states(self):
        random = Random(7)
        companies = [None, *self.env["res.company"].create([{"name": "A"}, {"name": "B"}]).ids]
        channels = ["root", "root.a", "root.a.b", "Root", "é", "a b"]
        for _number in range(300):
            state = random.choice(["pending", "pending", "waiting", "started", "done"])
            due = NOW - timedelta(seconds=random.randint(-5000, 5000))
            self.make_job(
                state,
                channel=random.choice(channels),
                company_id=random.choice(companies),
                wait=random.randint(0, 5000),
                scheduled=random.choice([None, False, True]) if state == "pending" else None,
                scheduled_at=random.choice([None, due]),
            )
        plain = SQL(
            """SELECT channel, company_id,
                      count(*) FILTER (WHERE state = 'pending' AND scheduled IS NOT TRUE) AS ready,
                      count(*) FILTER (WHERE state = 'pending' AND scheduled) AS scheduled,
                      count(*) FILTER (WHERE state = 'waiting') AS waiting,
                      count(*) FILTER (WHERE state = 'started') AS started,
                      COALESCE(EXTRACT(EPOCH FROM %(now)s::timestamp - min(COALESCE(scheduled_at, create_date)) FILTER (
                          WHERE state = 'pending' AND scheduled IS NOT TRUE)), 0)::float8 AS oldest,
                      count(*) FILTER (WHERE state = 'pending' AND scheduled IS NOT TRUE
                                         AND COALESCE(scheduled_at, create_date) < %(aged_before)s::timestamp) AS aged
                 FROM queue_job WHERE state IN ('pending', 'waiting', 'started') GROUP BY channel, company_id""",
            now=NOW,
            aged_before=NOW - AGED_AFTER,
        )
        rows = self.env.execute_query(plain)
        self.assertEqual(len(rows), len(channels) * len(companies))
        self.assertCountEqual(self.env.execute_query(self.metrics._live_levels(NOW)), rows)

    def test_with_many_live_jobs_those_of_the_last_look_are_shown_for_a_while(self):
        self.make_job("pending", wait=3600)
        self.metrics._collect(NOW)
        self.make_job("pending", channel="new")

        def channels(moment):
            return {
                row["channel"]: row["aged"] for row in self.metrics._query_dicts(self.metrics._recent_levels(moment))
            }

        self.assertEqual(channels(NOW), {"root": 1, "new": 0})
        with patch("odoo.addons.job_worker_monitor.models.queue_metric_collect.MANY_JOBS", 0):
            self.assertEqual(channels(NOW + minutes(3)), {"root": 1})
            self.assertEqual(channels(NOW + minutes(4)), {"root": 1, "new": 0})

    def test_a_channel_that_was_emptied_is_not_seen_in_the_same_minute_again(self):
        job = self.make_job("pending", channel="emptied")
        self.metrics._collect(NOW)
        self.env["queue.job"].browse(job).button_cancel()
        self.metrics._collect(NOW)
        level = self.env["queue.metric.level"].search([("resolution", "=", "minute")])
        self.assertEqual(level.mapped("channel"), [""])

    def test_what_is_old_goes_by_its_resolution_and_counters_never_fall(self):
        for days in (0, 1, 5, 100, 1000):
            moment = NOW - timedelta(days=days)
            self.make_job(ended=moment)
            self.metrics._collect(moment)
        self.metrics._prune(NOW)
        counts = {resolution: len(self.rows(resolution)) for resolution in ("minute", "hour", "day", "total")}
        self.assertEqual(counts, {"minute": 2, "hour": 3, "day": 4, "total": 1})
        self.assertEqual(self.counted(), 5)
        self.env["ir.config_parameter"].set_param("job_worker_monitor.keep_day_days", "50")
        self.metrics._prune(NOW)
        self.metrics._prune(NOW)
        self.assertEqual(len(self.rows("day")), 3)
        self.assertEqual(self.counted(), 5)
        self.metrics._prune(NOW + timedelta(days=3))
        self.assertEqual(self.counted(), 5)

    def counted(self):
        """All that ever ended, as counters have it."""
        ((count,),) = self.env.execute_query(
            SQL(
                "SELECT sum(count) FROM queue_metric"
                " WHERE function <> '' AND (resolution = 'total' OR (resolution = 'day' AND period >= %s))",
                self.metrics._get_added_up(),
            )
        )
        return count

    def test_collecting_reads_indexes_and_not_the_table(self):
        self.env.cr.execute(
            """INSERT INTO queue_job (uuid, state, model_name, method_name, payload, channel, priority, max_retries,
                                      completed_at, create_date)
               SELECT 'bulk' || n, 'done', 'm', 'x', '', 'root', 10, 5, %(now)s::timestamp - n * interval '1 minute',
                      %(now)s FROM generate_series(1000, 20000) n""",
            {"now": NOW},
        )
        self.env.cr.execute("ANALYZE queue_job")
        for statement in (
            count_minutes(NOW - minutes(5), NOW + minutes(60)),
            self.metrics._live_levels(NOW),
        ):
            plan = "\n".join(line for (line,) in self.env.execute_query(SQL("EXPLAIN %s", statement)))
            self.assertNotIn("Seq Scan on queue_job ", plan)
            self.assertRegex(plan, "queue_job_retention_index|queue_job_monitor_live_index")
