from datetime import timedelta
from unittest.mock import patch

from lxml import etree

from odoo import fields
from odoo.exceptions import AccessError
from odoo.sql_db import Cursor
from odoo.tests.common import new_test_user

from ..delay import group
from ..engine import workers
from ..runtime import live
from .graph_case import GraphCase


class TestView(GraphCase):
    def living_worker(self, **values):
        """A worker whose session lock this test's own session holds."""
        worker = self.env["queue.worker"].create({"name": "host:1", "concurrency": 2, "session_lock": True, **values})
        self.env.flush_all()
        self.env.cr.execute("SELECT pg_advisory_xact_lock(%s, %s)", [workers.WORKER_LOCK_CLASS, worker.id])
        return worker

    def set_columns(self, job, **values):
        self.env.flush_all()
        for name, value in values.items():
            self.env.cr.execute(f"UPDATE queue_job SET {name} = %s WHERE id = %s", [value, job.id])
        job.invalidate_recordset()

    def test_a_job_that_waits_says_for_how_many_jobs(self):
        last = self.step("last")
        first, second = self.step("first").on_done(last), self.step("second").on_done(last)
        job = group(first, second).delay()
        graph = self.graph_of(job)
        waiting = graph.filtered(lambda job: job.name == "last")
        self.assertEqual(waiting.wait_reason, "Waits for 2 jobs to be done")
        self.end(graph.filtered(lambda job: job.name == "first"), "done")
        self.assertEqual(waiting.wait_reason, "Waits for second")

    def test_an_error_callback_says_that_it_runs_only_after_a_failure(self):
        job = self.step("work").on_error(self.step("repair")).delay()
        repair = self.graph_of(job).filtered(lambda job: job.name == "repair")
        self.assertEqual(repair.wait_reason, "Runs only if work fails")

    def test_a_scheduled_job_says_when_it_is_due_and_whether_it_failed_before(self):
        job = self.step("later", scheduled_at=timedelta(hours=1)).delay()
        self.assertIn("Scheduled for", job.wait_reason)
        self.set_columns(job, exc_name="ValueError")
        self.assertIn("Failed before, tried again at", job.wait_reason)

    def test_without_a_living_worker_a_job_says_so(self):
        job = self.step("alone").delay()
        self.assertEqual(job.wait_reason, "No worker is running")
        self.env["queue.worker"].create({"name": "host:dead", "concurrency": 1})
        job.invalidate_recordset()
        self.assertEqual(job.wait_reason, "No worker is running")

    def test_a_ready_job_says_how_many_are_ahead_of_it(self):
        self.living_worker()
        self.env.cr.execute("DELETE FROM queue_job WHERE state = 'pending'")
        first, second = self.step("first").delay(), self.step("second").delay()
        self.assertEqual(first.wait_reason, "Next in line: runs as soon as an executor is free")
        self.assertEqual(second.wait_reason, "Waits for its turn: one job of its channel is ahead of it")

    def test_a_job_says_which_channel_holds_it_back(self):
        self.living_worker()
        job = self.step("export", channel="export.heavy").delay()
        limit = self.env["queue.limit"].create({"name": "export", "limit": 1})
        running = self.step("running", channel="export.other").delay()
        for expected, change in (
            ("Next in line", lambda: None),
            ("The channel export is full: 1 of 1", lambda: self.set_columns(running, state="started")),
            ("The channel export lets no job run", lambda: limit.write({"limit": 0})),
            ("The channel export is paused", lambda: limit.write({"paused": True})),
            (
                "The channel export starts at most 0.5 jobs",
                lambda: limit.write({"limit": -1, "paused": False, "rate_limit": 0.5}),
            ),
        ):
            change()
            self.env.invalidate_all()
            self.assertIn(expected, job.wait_reason)

    def test_a_job_says_which_job_has_its_key(self):
        self.living_worker()
        holder = self.step("holder", concurrency_key="customer-1").delay()
        job = self.step("next", concurrency_key="customer-1").delay()
        self.set_columns(holder, state="started")
        self.assertEqual(job.wait_reason, f"The key customer-1 is busy with job {holder.id}")

    def test_a_job_of_a_channel_that_no_worker_serves_says_so(self):
        self.living_worker(channels="export,-export.heavy")
        self.assertEqual(self.step("a", channel="mail").delay().wait_reason, "No worker serves the channel mail")
        self.assertEqual(
            self.step("b", channel="export.heavy").delay().wait_reason, "No worker serves the channel export.heavy"
        )
        self.assertIn("Next in line", self.step("c", channel="export.light").delay().wait_reason)

    def test_a_channel_shows_how_full_it_is(self):
        limit = self.env["queue.limit"].create({"name": "export", "limit": 4})
        jobs = self.env["queue.job"].union(*[self.step(f"{n}", channel="export.a").delay() for n in range(3)])
        self.set_columns(jobs[0], state="started")
        limit.invalidate_recordset()
        self.assertEqual((limit.running_count, limit.pending_count, limit.utilisation), (1, "2", 25.0))
        self.assertEqual(self.env["queue.job"].search_count(limit.action_open_jobs()["domain"]), 3)

    def test_a_job_that_runs_or_has_ended_gives_no_reason(self):
        job = self.step("running").delay()
        for state in ("started", "done", "failed", "cancelled"):
            self.set_columns(job, state=state)
            self.assertFalse(job.wait_reason, state)

    def test_elapsed_counts_from_the_start_of_a_running_job(self):
        job = self.step("running").delay()
        self.assertEqual(job.elapsed, 0)
        self.set_columns(job, state="started", started_at=fields.Datetime.now() - timedelta(seconds=90))
        self.assertAlmostEqual(job.elapsed, 90, delta=5)

    def test_the_history_tells_of_every_attempt_in_order(self):
        job = self.step("history").delay()
        start = fields.Datetime.now() + timedelta(minutes=1)
        self.env["queue.job.attempt"].create(
            {"job_id": job.id, "number": 1, "started_at": start, "duration": 2, "exc_name": "E", "exc_message": "boom"}
        )
        self.set_columns(job, state="done", completed_at=start + timedelta(minutes=1))
        texts = [text for _moment, text in job._history()]
        self.assertEqual(len(texts), 4)
        self.assertTrue(texts[0].startswith("Enqueued by"))
        self.assertEqual(texts[2:], ["Attempt 1 failed: E: boom", "Done"])
        self.assertIn("boom", job.history)

    def test_a_history_escapes_what_a_job_has_written(self):
        job = self.step("history").delay()
        self.set_columns(job, state="failed", exc_message="<script>alert(1)</script>", completed_at=job.create_date)
        self.assertNotIn("<script>", job.history)

    def test_arguments_are_for_managers_only(self):
        user = new_test_user(self.env, "queue-user", groups="job_worker.group_queue_job_user")
        job = self.partner.with_user(user).with_delay().read(["name"]).sudo(False)
        self.assertNotIn("arguments", job.with_user(user).fields_get())
        self.assertIn('"name"', job.sudo().arguments)

    def test_buttons_count_and_open_what_is_near_a_job(self):
        job = self.step("one").on_done(self.step("two")).delay()
        self.assertEqual(job.graph_count, "2")
        found = self.env["queue.job"].search(job.action_open_function()["domain"])
        self.assertIn(job, found)
        self.assertEqual(job.action_open_graph()["params"], {"job_id": job.id})

    def test_only_users_of_the_queue_hear_of_changes(self):
        user = new_test_user(self.env, "queue-user", groups="job_worker.group_queue_job_user")
        stranger = new_test_user(self.env, "no-queue-user", groups="base.group_user")
        self.assertEqual(self.env["queue.job"].with_user(user).live_watch()["channel"], live.CHANNEL)
        with self.assertRaises(AccessError):
            self.env["queue.job"].with_user(stranger).live_watch()

    def test_a_change_is_told_only_while_somebody_looks(self):
        self.env.cr.execute("DELETE FROM queue_job_live")
        self.assertFalse(live._is_watched(self.env.cr))
        self.env["queue.job"].live_watch()
        self.assertTrue(live._is_watched(self.env.cr))
        self.env.cr.execute("UPDATE queue_job_live SET watched_until = now() - interval '1 day'")
        self.assertFalse(live._is_watched(self.env.cr))

    def test_the_companies_of_the_search_panel_cost_no_look_at_jobs(self):
        self.env.user.group_ids |= self.env.ref("base.group_multi_company")
        arch = etree.fromstring(self.env["queue.job"].get_view(view_type="search")["arch"])
        (panel,) = arch.xpath("//searchpanel/field[@name='company_id']")
        options = {"expand": panel.get("expand") == "1", "enable_counters": panel.get("enable_counters") != "0"}
        with patch.object(Cursor, "execute", autospec=True, side_effect=Cursor.execute) as execute:
            answer = self.env["queue.job"].search_panel_select_range("company_id", limit=200, **options)
        self.assertIn(self.env.company.id, [value["id"] for value in answer["values"]])
        self.assertTrue(execute.call_args_list)
        self.assertFalse([call for call in execute.call_args_list if "queue_job" in repr(call.args[1])])
