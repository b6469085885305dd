from odoo.tests.common import TransactionCase

from ..engine.dependencies import release_dependents


class GraphCase(TransactionCase):
    """Builds graphs of named calls, and ends their jobs without running them."""

    def setUp(self):
        super().setUp()
        self.partner = self.env["res.partner"].create({"name": "Graph"})

    def step(self, name, **options):
        """A delayable of its own, told from others by its description."""
        return self.partner.delayable(description=name, **options).write({"comment": name})

    def states(self, jobs):
        """``{description: state}`` of jobs, as they stand in the database."""
        jobs.invalidate_recordset()
        return {job.name: job.state for job in jobs}

    def graph_of(self, job):
        return self.env["queue.job"].search([("graph_uuid", "=", job[:1].graph_uuid)], order="id")

    def end(self, jobs, state):
        """End jobs as an executor would, then release what depends on them as its supervisor would."""
        self.env.flush_all()
        self.env.cr.execute("UPDATE queue_job SET state = %s WHERE id = ANY(%s)", [state, jobs.ids])
        ready = release_dependents(self.env.cr, jobs.ids)
        self.env["queue.job"].invalidate_model()
        return ready
