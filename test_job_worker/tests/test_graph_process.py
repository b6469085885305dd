from odoo.tests import tagged

from odoo.addons.job_worker.delay import chain, group

from .common import WorkerCase


@tagged("post_install", "-at_install")
class TestGraphProcess(WorkerCase):
    """Graphs run by real workers: order, barriers, cascades, progress."""

    def graph(self, build):
        """Commit the graph that ``build(step)`` returns; return ``{name: id}`` of all its jobs."""
        with self.committed() as env:

            def step(name, fate="done", seconds=0.0, **options):
                ledger = env["queue.test.ledger"].delayable(description=name, **options)
                return ledger.act(name, fate, seconds)

            job = build(step).delay()[:1]
            jobs = env["queue.job"].search([("graph_uuid", "=", job.graph_uuid)])
            return {job.name: job.id for job in jobs}

    def states(self):
        return dict(self.query("SELECT name, state FROM queue_job"))

    def wait_for_end(self):
        unfinished = "SELECT 1 FROM queue_job WHERE state NOT IN ('done', 'failed', 'cancelled') LIMIT 1"
        self.wait_until(lambda: not self.query(unfinished), "all jobs have ended")

    def test_a_barrier_between_two_groups_holds_and_fires_once(self):
        size = 60
        self.graph(
            lambda step: chain(
                group(*[step(f"before {number}") for number in range(size)]),
                step("barrier"),
                group(*[step(f"after {number}") for number in range(size)]),
            )
        )
        self.start_worker()
        self.start_worker()
        self.wait_for_end()
        self.assertEqual(set(self.states().values()), {"done"})
        order = [name.split()[0] for (name,) in self.query("SELECT name FROM queue_job ORDER BY started_at, id")]
        self.assertEqual(order, ["before"] * size + ["barrier"] + ["after"] * size)
        self.assertEqual(len(self.query("SELECT id FROM queue_test_ledger")), 2 * size + 1)

    def test_a_failure_runs_the_repair_and_fails_what_depended_on_it(self):
        self.graph(lambda step: chain(step("1"), step("2", "fail").on_error(step("repair")), step("3"), step("4")))
        self.start_worker()
        self.wait_for_end()
        self.assertEqual(self.states(), {"1": "done", "2": "failed", "repair": "done", "3": "failed", "4": "failed"})

    def test_a_release_that_a_crash_left_undone_is_made_up_for(self):
        ids = self.graph(lambda step: chain(step("1"), step("2")))
        # As if the worker had died between the commit of the job and the release.
        self.query("UPDATE queue_job SET state = 'done' WHERE id = %s", ids["1"])
        self.start_worker()
        self.wait_for_end()
        self.assertEqual(self.states(), {"1": "done", "2": "done"})

    def test_a_job_that_kills_its_executor_for_good_fails_its_dependents(self):
        self.graph(lambda step: chain(step("1", "kill", max_retries=1, retry_pattern={1: 0}), step("2")))
        self.start_worker()
        self.wait_for_end()
        self.assertEqual(self.states(), {"1": "failed", "2": "failed"})

    def test_progress_is_seen_while_the_job_runs(self):
        job_id = self.enqueue_act("halfway", "progress", 3600)
        self.start_worker()
        progress = self.wait_until(
            lambda: self.query("SELECT done, total, message FROM queue_job_progress WHERE job_id = %s", job_id),
            "the progress is written",
        )
        self.assertEqual(progress, [(1, 2, "half of it")])
        self.assertEqual(self.job(job_id, "state"), "started")
