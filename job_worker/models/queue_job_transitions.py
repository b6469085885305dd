"""What people do to jobs: requeue, cancel, set done, set failed. A running one can only be cancelled."""

from collections import Counter

from odoo import api, models
from odoo.exceptions import AccessError

from ..engine import cancel, dependencies, states
from ..engine.notifier import notify_workers
from ..runtime import database

_ENDED = (states.FAILED, states.CANCELLED)
_NOT_STARTED = (states.WAITING, states.PENDING)


class QueueJob(models.Model):
    _inherit = "queue.job"

    def button_requeue(self):
        """Run failed and cancelled jobs again, with the jobs that ended because of them."""
        self._check_operate()
        jobs = self.filtered(lambda job: job.state in _ENDED)
        colliding = jobs._with_colliding_identity()
        jobs -= colliding
        done = self._transition(lambda cr: dependencies.requeue_jobs(cr, jobs.ids, uid=self.env.uid))
        again = jobs.filtered(lambda job: job.state in _ENDED)
        reasons = self._count_refused(self - jobs - colliding)
        reasons[self.env._("an unfinished job has the same identity key")] += len(colliding)
        reasons[self.env._("a job that it depends on has failed or was cancelled: requeue that one")] += len(again)
        self._wake_workers_after_commit()
        return self._report(self.env._("%s jobs requeued", len(done) - len(again)), reasons)

    def button_cancel(self):
        """Cancel jobs with all that depends on them; those that run are stopped by their worker."""
        self._check_operate()
        note = self.env._("Cancelled by %s while it ran", self.env.user.name)
        stopping = self._transition(lambda cr: cancel.request_cancellation(cr, self.ids, note))
        if stopping:
            self._tell_workers_to_cancel()
        rest = self - self.browse(stopping)
        done = rest._end_now(states.CANCELLED, _NOT_STARTED)
        message = self.env._("%s jobs cancelled", len(done))
        if stopping:
            also = self.env._("%s running jobs are being stopped", len(stopping))
            message = f"{message}; {also}" if done else also
        return self._report(message, self._count_refused(rest - self.browse(done)))

    def button_done(self):
        """Set jobs done without running them; what depends on them goes on."""
        return self._end(states.DONE, (*_NOT_STARTED, *_ENDED), self.env._("%s jobs set done"))

    def button_failed(self):
        """Set jobs failed without running them; their error callbacks run."""
        return self._end(states.FAILED, (*_NOT_STARTED, states.CANCELLED), self.env._("%s jobs set failed"))

    def button_requeue_graph(self):
        """Requeue what has failed or was cancelled in the graphs of these jobs."""
        return self._graph_jobs(_ENDED).button_requeue()

    def button_cancel_graph(self):
        """Cancel what has not ended in the graphs of these jobs."""
        return self._graph_jobs((*_NOT_STARTED, states.STARTED)).button_cancel()

    @api.model
    def _tell_workers_to_cancel(self):
        db_name = self.env.cr.dbname
        self.env.cr.postcommit.add(lambda: notify_workers(db_name, database.dsn, cancel.CHANNEL))

    def _graph_jobs(self, in_states):
        uuids = [uuid for uuid in self.mapped("graph_uuid") if uuid]
        return self.search([("graph_uuid", "in", uuids), ("state", "in", in_states)])

    def _end(self, state, from_states, message):
        self._check_operate()
        done = self._end_now(state, from_states)
        return self._report(message % len(done), self._count_refused(self - self.browse(done)))

    def _end_now(self, state, from_states):
        """End those of these jobs that are in ``from_states``; return their ids."""
        note = self.env._("Set by %s", self.env.user.name)
        done = self._transition(
            lambda cr: dependencies.end_jobs(cr, self.ids, state, from_states, uid=self.env.uid, message=note)
        )
        self._wake_workers_after_commit()
        return done

    def _check_operate(self):
        """Only who may read a job as a user of the queue may operate it."""
        if not (self.env.su or self.env.user.has_group("job_worker.group_queue_job_user")):
            raise AccessError(self.env._("Only users of the job queue can change jobs."))
        self.check_access("read")

    @api.model
    def _transition(self, change):
        """Make ``change(cursor)`` with the ORM's cache in step before and after."""
        self.env["queue.job"].flush_model()
        changed = change(self.env.cr)
        self.env["queue.job"].invalidate_model()
        return changed

    def _with_colliding_identity(self):
        """Those of these ended jobs whose identity key an unfinished job, or one before them here, has."""
        keys = [job.identity_key for job in self if job.identity_key]
        if not keys:
            return self.browse()
        unfinished = self.sudo().search(
            [("identity_key", "in", keys), ("state", "in", (*_NOT_STARTED, states.STARTED))]
        )
        taken = set(unfinished.mapped("identity_key"))
        colliding = self.browse()
        for job in self.filtered("identity_key"):
            if job.identity_key in taken:
                colliding |= job
            taken.add(job.identity_key)
        return colliding

    def _count_refused(self, jobs):
        labels = dict(self._fields["state"]._description_selection(self.env))
        return Counter(self.env._("already %s", labels[job.state].lower()) for job in jobs.exists())

    @api.model
    def _report(self, message, reasons):
        """A notification: what was done, how many jobs were skipped and why."""
        skipped = [f"{count}: {reason}" for reason, count in reasons.items() if count]
        if skipped:
            message = self.env._("%(message)s; skipped %(skipped)s", message=message, skipped=", ".join(skipped))
        return {
            "type": "ir.actions.client",
            "tag": "display_notification",
            "params": {
                "type": "warning" if skipped else "success",
                "message": message,
                "next": {"type": "ir.actions.client", "tag": "soft_reload"},
            },
        }
