from odoo import api, fields, models

from odoo.addons.job_worker.exception import FailedJobError, RetryableJobError


class QueueDemoTask(models.Model):
    """A record for sample jobs to work on. It uses the queue as any addon would."""

    _name = "queue.demo.task"
    _description = "Queue Demo Task"
    _order = "id desc"

    name = fields.Char(required=True)
    note = fields.Text(readonly=True, help="What the job wrote.")
    job_id = fields.Many2one("queue.job", "Job", readonly=True, ondelete="set null", index="btree_not_null")
    job_state = fields.Selection(related="job_id.state", string="State")
    job_attempts = fields.Integer(related="job_id.attempts", string="Attempts")
    scenario_id = fields.Many2one("queue.demo.scenario", "Scenario", readonly=True, ondelete="cascade", index=True)
    run = fields.Integer(readonly=True, aggregator=False, help="Number of the run of its scenario.")

    def action_enqueue(self):
        """Put a job into the queue for each task."""
        for task in self:
            task.job_id = task.with_delay(description=f"Demo: {task.name}").write_note("Written by a worker")

    def write_note(self, note):
        """The work of the simplest job."""
        self.note = note
        return note

    def write_note_on_second_attempt(self, note):
        """Fail once, then succeed: what a remote service with a hiccup looks like."""
        if not self.env["queue.job"].current().attempts:
            raise RetryableJobError("The first attempt fails on purpose", seconds=1)
        return self.write_note(note)

    def refuse(self, reason):
        """Fail for good, without a retry."""
        raise FailedJobError(reason)

    @api.model
    @api.private
    def enqueue_samples(self):
        """Enqueue one job of each kind.

        :return: list of ``(queue.job record, expected state, expected attempts)``
        """
        first, second, third, fourth = self.create(
            [{"name": name} for name in ("with_delay", "enqueue", "retry", "failure")]
        )
        samples = [
            (
                first,
                first.with_delay(priority=5, description="Writes a note").write_note("Hello from a worker"),
                "done",
                1,
            ),
            (
                second,
                self.env["queue.job"].enqueue(
                    model_name="queue.demo.task",
                    method_name="write",
                    record_ids=second.ids,
                    args=[{"name": "Updated by queue"}],
                    kwargs={},
                    channel="root",
                    priority=10,
                    max_retries=5,
                    description="Writes the name by a generic call",
                ),
                "done",
                1,
            ),
            (
                third,
                third.with_delay(description="Fails once, then succeeds").write_note_on_second_attempt("At last"),
                "done",
                2,
            ),
            (
                fourth,
                fourth.with_delay(description="Fails for good").refuse("Refused on purpose"),
                "failed",
                1,
            ),
        ]
        for task, job, _state, _attempts in samples:
            task.job_id = job
        return [(job, state, attempts) for _task, job, state, attempts in samples]
