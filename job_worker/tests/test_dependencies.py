from ..delay import chain, group
from .graph_case import GraphCase


class TestDependencies(GraphCase):
    def test_a_done_job_releases_what_follows_and_cancels_its_repair(self):
        job = self.step("work").on_done(self.step("next")).on_error(self.step("repair")).delay()
        jobs = self.graph_of(job)
        self.assertEqual(self.end(job, "done"), 1)
        self.assertEqual(self.states(jobs), {"work": "done", "next": "pending", "repair": "cancelled"})

    def test_a_failed_job_releases_its_repair_and_fails_the_rest_with_the_reason(self):
        first = self.step("work").on_error(self.step("repair"))
        jobs = chain(first, self.step("2"), self.step("3"), self.step("4").on_error(self.step("alarm"))).delay()
        jobs = self.graph_of(jobs)
        self.end(jobs.filtered(lambda job: job.name == "work"), "failed")
        expected = {
            "work": "failed",
            "repair": "pending",
            "2": "failed",
            "3": "failed",
            "4": "failed",
            "alarm": "pending",
        }
        self.assertEqual(self.states(jobs), expected)
        last = jobs.filtered(lambda job: job.name == "4")
        self.assertEqual(last.exc_name, "DependencyFailed")
        self.assertIn("3 (", last.exc_message)

    def test_a_cancelled_job_cancels_all_that_depends_on_it(self):
        jobs = chain(self.step("1").on_error(self.step("repair")), self.step("2"), self.step("3")).delay()
        jobs[0].button_cancel()
        self.assertEqual(set(self.states(self.graph_of(jobs)).values()), {"cancelled"})

    def test_a_barrier_fires_once_when_the_last_of_its_jobs_is_done(self):
        jobs = group(*[self.step(str(number)) for number in range(5)]).on_done(self.step("barrier")).delay()
        barrier = self.graph_of(jobs) - jobs
        for job in jobs[:-1]:
            self.assertEqual(self.end(job, "done"), 0)
            self.assertEqual(barrier.state, "waiting")
        self.assertEqual(self.end(jobs[-1], "done"), 1)
        self.assertEqual(barrier.state, "pending")
        self.assertEqual(self.end(jobs, "done"), 0, "Passing an end on again changes nothing")

    def test_a_repair_of_several_jobs_runs_once_at_the_first_failure(self):
        jobs = group(*[self.step(str(number)) for number in range(3)]).on_error(self.step("repair")).delay()
        repair = self.graph_of(jobs) - jobs
        self.end(jobs[0], "done")
        self.assertEqual(repair.state, "waiting")
        self.assertEqual(self.end(jobs[1], "failed"), 1)
        self.assertEqual(self.end(jobs[2], "failed"), 0)
        self.assertEqual(repair.state, "pending")

    def test_a_repair_is_cancelled_when_nothing_is_left_that_could_fail(self):
        jobs = group(self.step("1"), self.step("2")).on_error(self.step("repair").on_done(self.step("report"))).delay()
        rest = self.graph_of(jobs) - jobs
        self.end(jobs[0], "done")
        self.assertEqual(self.states(rest), {"repair": "waiting", "report": "waiting"})
        self.end(jobs[1], "cancelled")
        self.assertEqual(self.states(rest), {"repair": "cancelled", "report": "cancelled"})

    def test_a_released_job_keeps_its_schedule(self):
        job = self.step("1").on_done(self.step("later", scheduled_at=3600)).delay()
        self.end(job, "done")
        later = self.graph_of(job) - job
        self.assertEqual((later.state, later.scheduled), ("pending", True))

    def test_a_requeued_job_brings_its_cascade_back_to_waiting(self):
        jobs = chain(self.step("1").on_error(self.step("repair")), self.step("2"), self.step("3")).delay()
        everything = self.graph_of(jobs)
        self.end(jobs[0], "failed")
        jobs[0].button_requeue()
        expected = {"1": "pending", "repair": "waiting", "2": "waiting", "3": "waiting"}
        self.assertEqual(self.states(everything), expected)
        for job in jobs:
            self.assertEqual(job.state, "pending")
            self.end(job, "done")
        self.assertEqual(self.states(everything), {"1": "done", "repair": "cancelled", "2": "done", "3": "done"})

    def test_a_repair_that_has_run_is_not_taken_back(self):
        job = self.step("work").on_error(self.step("repair")).delay()
        repair = self.graph_of(job) - job
        self.end(job, "failed")
        self.end(repair, "done")
        job.button_requeue()
        self.assertEqual((job.state, repair.state), ("pending", "done"))

    def test_a_barrier_of_two_failed_jobs_waits_until_both_are_requeued_and_done(self):
        jobs = group(self.step("1"), self.step("2"), self.step("3")).on_done(self.step("barrier")).delay()
        barrier = self.graph_of(jobs) - jobs
        self.end(jobs[0], "done")
        self.end(jobs[1:], "failed")
        self.assertEqual(barrier.state, "failed")
        jobs[1].button_requeue()
        self.assertEqual(barrier.state, "failed", "The other failed job still stands in its way")
        jobs[2].button_requeue()
        self.assertEqual((barrier.state, barrier.blockers), ("waiting", 2))
        self.end(jobs[1], "done")
        self.assertEqual(barrier.state, "waiting")
        self.end(jobs[2], "done")
        self.assertEqual(barrier.state, "pending")

    def test_setting_a_failed_job_done_lets_its_cascade_go_on(self):
        jobs = chain(self.step("1"), self.step("2"), self.step("3")).delay()
        self.end(jobs[0], "failed")
        jobs[0].button_done()
        self.assertEqual(self.states(jobs), {"1": "done", "2": "pending", "3": "waiting"})

    def test_setting_a_job_failed_runs_its_repair(self):
        job = self.step("work").on_error(self.step("repair")).on_done(self.step("next")).delay()
        jobs = self.graph_of(job)
        job.button_failed()
        self.assertEqual(self.states(jobs), {"work": "failed", "repair": "pending", "next": "failed"})
        self.assertIn(self.env.user.name, job.exc_message)

    def test_a_whole_graph_can_be_cancelled_and_requeued(self):
        jobs = chain(self.step("1"), group(self.step("2"), self.step("3")), self.step("4")).delay()
        self.end(jobs[0], "done")
        jobs[1].button_cancel_graph()
        self.assertEqual(self.states(jobs), {"1": "done", "2": "cancelled", "3": "cancelled", "4": "cancelled"})
        jobs[3].button_requeue_graph()
        self.assertEqual(self.states(jobs), {"1": "done", "2": "pending", "3": "pending", "4": "waiting"})
        self.end(jobs[1:3], "done")
        self.assertEqual(jobs[3].state, "pending")
