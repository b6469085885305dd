import inspect
import textwrap
from collections import Counter

from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError

SHOWN_JOBS = 80


class QueueDemoScenario(models.Model):
    """Something to start and to watch, with the code that does it."""

    _name = "queue.demo.scenario"
    _description = "Queue Demo Scenario"
    _order = "sequence, id"

    name = fields.Char(required=True, readonly=True, translate=True)
    code = fields.Char(required=True, readonly=True, help="The method _scenario_<code> of queue.demo.task starts it.")
    methods = fields.Char(readonly=True, help="Methods that its jobs call, for their source.")
    sequence = fields.Integer(readonly=True)
    icon = fields.Char(readonly=True)
    topic = fields.Selection(
        [("basic", "When a job runs"), ("failure", "When something goes wrong"), ("graph", "Jobs that wait for others"),
         ("limit", "Limits")],
        readonly=True,
        required=True,
    )
    summary = fields.Char(readonly=True, translate=True)
    look_for = fields.Text("What to Look for", readonly=True, translate=True)
    source = fields.Text(compute="_compute_source")
    task_ids = fields.One2many("queue.demo.task", "scenario_id", readonly=True)
    job_ids = fields.Many2many("queue.job", string="Jobs of the Last Run", compute="_compute_jobs")
    job_counts = fields.Json(compute="_compute_jobs")
    counts_text = fields.Char("Last Run", compute="_compute_jobs")
    graph_job_id = fields.Many2one("queue.job", compute="_compute_jobs")

    _code_unique = models.Constraint("UNIQUE(code)", "There is a scenario with this code.")

    @api.depends("code", "methods")
    def _compute_source(self):
        Task = self.env.registry["queue.demo.task"]
        for scenario in self:
            names = [f"_scenario_{scenario.code}", *(scenario.methods or "").split()]
            methods = [getattr(Task, name) for name in names if hasattr(Task, name)]
            scenario.source = "\n".join(textwrap.dedent(inspect.getsource(method)) for method in methods)

    @api.depends("task_ids.run", "task_ids.job_id.state")
    def _compute_jobs(self):
        labels = dict(self.env["queue.job"]._fields["state"]._description_selection(self.env))
        for scenario in self:
            jobs = scenario._last_tasks().job_id
            counts = Counter(jobs.mapped("state"))
            scenario.job_counts = dict(counts)
            scenario.counts_text = ", ".join(f"{counts[state]} {labels[state]}" for state in labels if counts[state])
            # What still moves comes first, so that a long list shows it.
            moving = jobs.filtered(lambda job: job.state == "started")
            scenario.job_ids = (moving | jobs.sorted("id"))[:SHOWN_JOBS]
            scenario.graph_job_id = jobs.filtered("graph_uuid")[:1]

    def _last_tasks(self):
        Task = self.env["queue.demo.task"]
        last = Task.search([("scenario_id", "=", self.id)], order="run desc", limit=1)
        return Task.search([("scenario_id", "=", self.id), ("run", "=", last.run)]) if last else last

    def action_run(self):
        """Start the scenario: its jobs show up in the list below as workers take them."""
        for scenario in self:
            last = self.env["queue.demo.task"].search([("scenario_id", "=", scenario.id)], order="run desc", limit=1)
            tasks = self.env["queue.demo.task"].with_context(demo_scenario=(scenario.id, last.run + 1))
            start = getattr(tasks, f"_scenario_{scenario.code}", None)
            if start is None:
                raise UserError(self.env._("There is no scenario %s.", scenario.code))
            start()
            scenario._note_jobs(last.run + 1)

    def _note_jobs(self, run):
        tasks = self.env["queue.demo.task"].search([("scenario_id", "=", self.id), ("run", "=", run)])
        for job in self.env["queue.job"].search([("demo_task_id", "in", tasks.ids)]):
            job.demo_task_id.job_id = job

    def action_open_jobs(self):
        """The jobs of the last run."""
        self.ensure_one()
        return self.env["queue.job"]._open_jobs(self.name, [("id", "in", self._last_tasks().job_id.ids)])

    def action_open_graph(self):
        """The picture of the graph of the last run."""
        self.ensure_one()
        return self.graph_job_id.action_open_graph()

    @api.model
    def action_clean(self):
        """Remove all that the demo has made: its tasks, and its jobs but for those that run now."""
        if not self.env.user.has_group("job_worker.group_queue_job_manager"):
            raise AccessError(self.env._("Only managers of the job queue can remove the demo's data."))
        jobs = self.env["queue.job"].sudo().search([("model_name", "=like", "queue.demo.%")])
        jobs.filtered(lambda job: job.state in ("waiting", "pending")).button_cancel()
        running = jobs.filtered(lambda job: job.state == "started")
        (jobs - running).unlink()
        self.env["queue.demo.task"].search([("job_id", "not in", running.ids)]).unlink()
        message = self.env._("The demo's data is gone.")
        if running:
            message = self.env._("The demo's data is gone, but for %s jobs that still run.", len(running))
        return {
            "type": "ir.actions.client",
            "tag": "display_notification",
            "params": {
                "type": "success",
                "message": message,
                "next": {"type": "ir.actions.client", "tag": "soft_reload"},
            },
        }


class QueueDemoTask(models.Model):
    _inherit = "queue.demo.task"

    def _make(self, count):
        """New tasks of the scenario that is being started."""
        scenario_id, run = self.env.context["demo_scenario"]
        values = {"scenario_id": scenario_id, "run": run}
        return self.create([{**values, "name": f"Task {number}"} for number in range(1, count + 1)])

    def _job_store_values(self, job):
        """Note the task on its job, so that each task knows the job that works on it."""
        return {**super()._job_store_values(job), "demo_task_id": self[:1].id}


class QueueJob(models.Model):
    _inherit = "queue.job"

    demo_task_id = fields.Many2one("queue.demo.task", readonly=True, ondelete="set null", index="btree_not_null")
