from odoo.tests.common import TransactionCase

from odoo.addons.job_worker.exception import FailedJobError
from odoo.addons.job_worker.tests.common import JobMixin


class TestQueueDemoTask(JobMixin, TransactionCase):
    def test_each_task_gets_a_job_that_writes_its_note(self):
        tasks = self.env["queue.demo.task"].create([{"name": "First"}, {"name": "Second"}])
        with self.trap_jobs() as trap:
            tasks.action_enqueue()
        trap.assert_jobs_count(2, only=tasks.write_note)
        trap.assert_enqueued_job(
            tasks[1].write_note, args=("Written by a worker",), properties={"description": "Demo: Second"}
        )
        trap.perform_enqueued_jobs()
        self.assertEqual(tasks.mapped("note"), ["Written by a worker"] * 2)
        self.assertEqual(tasks.mapped("job_state"), ["done", "done"])

    def test_the_samples_say_how_each_of_them_ends(self):
        with self.trap_jobs() as trap:
            samples = self.env["queue.demo.task"].enqueue_samples()
        self.assertEqual([job for job, _state, _attempts in samples], trap.enqueued_jobs)
        done = [job for job, state, attempts in samples if (state, attempts) == ("done", 1)]
        self.perform_jobs(done)
        self.assertEqual({job.state for job in done}, {"done"})
        (failing,) = (job for job, state, _attempts in samples if state == "failed")
        with self.assertRaises(FailedJobError):
            self.perform_jobs(failing)
