from odoo import fields, models

from ..graph import ON_DONE, ON_ERROR


class QueueJobDependency(models.Model):
    """One edge of a graph of jobs: ``job_id`` waits for ``depends_on_id``."""

    _name = "queue.job.dependency"
    _description = "Queue Job Dependency"
    _log_access = False

    job_id = fields.Many2one("queue.job", "Job", readonly=True, required=True, ondelete="cascade", index=True)
    depends_on_id = fields.Many2one(
        "queue.job", "Depends On", readonly=True, required=True, ondelete="cascade", index=True
    )
    kind = fields.Selection([(ON_DONE, "When done"), (ON_ERROR, "When failed")], readonly=True, required=True)
    released = fields.Boolean(readonly=True, help="The end of the other job has been passed on.")

    # Only edges that are still to fire: what the engine looks up for each ended job.
    _unreleased_index = models.Index("(depends_on_id) WHERE NOT released")
