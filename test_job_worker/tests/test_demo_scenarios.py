from unittest import SkipTest

from odoo.tests import tagged

from .common import WorkerCase

# What still runs; the job that the scenario schedules in an hour is none of it.
UNFINISHED = """SELECT 1 FROM queue_job
                 WHERE state IN ('waiting', 'pending', 'started')
                   AND COALESCE(scheduled_at, create_date) < now() AT TIME ZONE 'UTC' + interval '10 minutes'
                 LIMIT 1"""
SECONDS = 150


@tagged("post_install", "-at_install")
class TestDemoScenarios(WorkerCase):
    """All scenarios of the demo, run by a real worker: they end as what is said beside them promises."""

    def setUp(self):
        super().setUp()
        if not self.query("SELECT 1 FROM ir_module_module WHERE name = 'job_worker_demo' AND state = 'installed'"):
            raise SkipTest("The module job_worker_demo is not installed")
        self.addCleanup(self.query, "DELETE FROM queue_demo_task")

    def test_every_scenario_ends_as_it_promises(self):
        with self.committed() as env:
            scenarios = env["queue.demo.scenario"].search([])
            scenarios.action_run()
            codes = scenarios.mapped("code")
        self.start_worker("--concurrency", "8")
        self.wait_until(lambda: not self.query(UNFINISHED), "all scenarios have ended", SECONDS)
        for code in codes:
            with self.subTest(code):
                getattr(self, f"_check_{code}")(self.tasks(code))

    def tasks(self, code):
        """The last run of a scenario as dicts of its tasks in order, each with the columns of its job."""
        with self.committed() as env:
            tasks = env["queue.demo.scenario"].search([("code", "=", code)])._last_tasks().sorted("id")
            return [
                {
                    "note": task.note,
                    "state": task.job_state,
                    **task.job_id.read(
                        ["name", "attempts", "started_at", "completed_at", "exc_name", "exc_message", "scheduled_at"]
                    )[0],
                }
                for task in tasks
                if task.job_id
            ]

    def assertEnds(self, tasks, *expected):
        """``expected``: ``(state, attempts)`` of each task."""
        self.assertEqual([(task["state"], task["attempts"]) for task in tasks], list(expected))

    def assertInOrder(self, *groups):
        """Each job of a group has ended before any of the next one started."""
        for before, after in zip(groups, groups[1:], strict=False):
            ended = max(task["completed_at"] for task in before)
            self.assertLessEqual(ended, min(task["started_at"] for task in after))

    def _check_simple(self, tasks):
        self.assertEnds(tasks, ("done", 1))
        self.assertEqual(tasks[0]["note"], "Hello from a worker")

    def _check_bulk(self, tasks):
        self.assertEnds(tasks, *[("done", 1)] * 1000)
        self.assertEqual([task["note"] for task in tasks], [f"Number {number}" for number in range(1, 1001)])

    def _check_progress(self, tasks):
        self.assertEnds(tasks, ("done", 1))
        self.assertEqual(tasks[0]["note"], "60 steps made")

    def _check_identity(self, tasks):
        self.assertEnds(tasks, ("done", 1))
        self.assertEqual(tasks[0]["note"], "I am click 1")

    def _check_scheduled(self, tasks):
        self.assertEnds(tasks, ("done", 1), ("done", 1), ("done", 1), ("pending", 0))
        for task in tasks[:3]:
            self.assertGreaterEqual(task["started_at"], task["scheduled_at"])

    def _check_priority(self, tasks):
        self.assertEnds(tasks, *[("done", 1)] * 30)
        urgent = max(task["started_at"] for task in tasks[25:])
        self.assertLessEqual(urgent, min(task["started_at"] for task in tasks[:25]))

    def _check_flaky(self, tasks):
        self.assertEnds(tasks, ("done", 3))
        self.assertEqual(tasks[0]["note"], "Succeeded at attempt 3")

    def _check_failure(self, tasks):
        self.assertEnds(tasks, ("failed", 1))
        self.assertEqual(tasks[0]["exc_message"], "The invoice has no customer")

    def _check_own_delay(self, tasks):
        self.assertEnds(tasks, ("done", 2))
        self.assertEqual(tasks[0]["note"], "The second call was answered")

    def _check_timeout(self, tasks):
        self.assertEnds(tasks, ("failed", 2))
        self.assertRegex(tasks[0]["exc_name"], "Timeout")
        self.assertFalse(tasks[0]["note"])

    def _check_kill(self, tasks):
        self.assertEnds(tasks, ("failed", 3))
        self.assertEqual(tasks[0]["exc_name"], "ExecutorDied")

    def _check_chain(self, tasks):
        self.assertEnds(tasks, *[("done", 1)] * 4)
        self.assertInOrder(*[[task] for task in tasks])

    def _check_fan_out(self, tasks):
        self.assertEnds(tasks, *[("done", 1)] * 42)
        (first, last), parts = tasks[:2], tasks[2:]
        self.assertInOrder([first], parts, [last])
        self.assertEqual(last["note"], "All parts are in")

    def _check_compensation(self, tasks):
        self.assertEnds(tasks, ("failed", 1), ("failed", 0), ("done", 1))
        self.assertEqual(tasks[2]["note"], "Refunded")
        self.assertFalse(tasks[1]["note"])

    def _check_rate(self, tasks):
        self.assertEnds(tasks, *[("done", 1)] * 20)
        starts = sorted(task["started_at"] for task in tasks)
        # 2 per second, and 1 more at once: 20 of them take at least 9.5 s. The moments are whole seconds.
        self.assertGreaterEqual((starts[-1] - starts[0]).total_seconds(), 8.5)

    def _check_key(self, tasks):
        self.assertEnds(tasks, *[("done", 1)] * 12)
        for customer in "ABC":
            of_one = sorted(
                (task for task in tasks if task["name"].endswith(customer)), key=lambda task: task["started_at"]
            )
            self.assertEqual(len(of_one), 4)
            self.assertInOrder(*[[task] for task in of_one])
