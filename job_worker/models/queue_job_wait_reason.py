"""Why a job isn't running, in words."""

from odoo import api, fields, models
from odoo.tools import SQL, format_datetime

from ..engine import states
from ..engine.channels import ChannelFilter, lineage

# Up to here the jobs ahead of one are counted.
COUNT_LIMIT = 1000


class QueueJob(models.Model):
    _inherit = "queue.job"

    wait_reason = fields.Char(
        "Why It Isn't Running", compute="_compute_wait_reason", help="What a waiting or pending job waits for."
    )

    @api.depends("state", "scheduled", "scheduled_at", "channel", "blockers", "attempts")
    def _compute_wait_reason(self):
        self.wait_reason = False
        unfinished = self.filtered(lambda job: job.state in (states.WAITING, states.PENDING))
        if not unfinished:
            return
        scene = Scene(unfinished)
        for job in unfinished:
            if job.state == states.WAITING:
                job.wait_reason = job._reason_to_wait_for_others(*scene.edges(job))
            else:
                job.wait_reason = job._scheduled_reason() or scene.reason(job) or scene.pace(job) or job._turn_reason()

    def _reason_to_wait_for_others(self, count, failures):
        """In words what a waiting job waits for: ``count`` edges, of which ``failures`` are error callbacks'."""
        if count == 1:
            edge = self.sudo().dependency_ids.search([("job_id", "=", self.id), ("released", "=", False)], limit=1)
            other = edge.depends_on_id.name or edge.depends_on_id.uuid
            return self.env._("Runs only if %s fails", other) if failures else self.env._("Waits for %s", other)
        if count and failures == count:
            return self.env._("Runs only if one of %s jobs fails", count)
        return self.env._("Waits for %s jobs to be done", count - failures)

    def _scheduled_reason(self):
        if not self.scheduled or not self.scheduled_at:
            return None
        moment = format_datetime(self.env, self.scheduled_at, dt_format="medium")
        if self.exc_name:
            return self.env._("Failed before, tried again at %s", moment)
        return self.env._("Scheduled for %s", moment)

    def _turn_reason(self):
        """The place in the queue, when nothing else holds this job back; only for one job, it's a query."""
        if len(self._prefetch_ids) > 1:
            return self.env._("Waits for its turn")
        ahead = self._count_ahead()
        if not ahead:
            return self.env._("Next in line: runs as soon as an executor is free")
        if ahead == 1:
            return self.env._("Waits for its turn: one job of its channel is ahead of it")
        more = f"{COUNT_LIMIT}+" if ahead == COUNT_LIMIT else ahead
        return self.env._("Waits for its turn: %s jobs of its channel are ahead of it", more)

    def _count_ahead(self):
        """Ready jobs of the channel that come before this one; index: queue_job_ready_index."""
        self.env["queue.job"].flush_model()
        ((ahead,),) = self.env.execute_query(
            SQL(
                """SELECT count(*) FROM (
                       SELECT 1
                         FROM queue_job other
                        WHERE other.channel = %s AND other.state = 'pending' AND other.scheduled IS NOT TRUE
                          AND COALESCE(other.key_place, 'first') = 'first'
                          AND (other.priority, COALESCE(other.scheduled_at, other.create_date, '-infinity'), other.id)
                              < (SELECT priority, COALESCE(scheduled_at, create_date, '-infinity'), id
                                   FROM queue_job WHERE id = %s)
                        LIMIT %s) ahead""",
                self.channel,
                self.id,
                COUNT_LIMIT,
            )
        )
        return ahead


class Scene:
    """What holds pending jobs back, looked up once for all of them."""

    def __init__(self, jobs):
        self.env = jobs.env(su=True)
        self.jobs = jobs
        workers = self.env["queue.worker"].search([])
        self.workers = workers.filtered("is_alive")
        self.limits = self._read_limits()
        self.key_holders = self._find_key_holders()
        self.edge_counts = self._count_edges()

    def edges(self, job):
        """How many dependencies ``job`` still waits for, and how many of them are for a failure."""
        done, error = (self.edge_counts.get((job.id, kind), 0) for kind in ("done", "error"))
        return done + error, error

    def reason(self, job):
        """In words what holds ``job`` back; None when it is only a matter of its turn."""
        _ = job.env._
        if not self.workers:
            return _("No worker is running")
        if not any(_serves(worker, job.channel) for worker in self.workers):
            return _("No worker serves the channel %s", job.channel)
        for name in lineage(job.channel):
            if blocked := self._channel_reason(job, name):
                return blocked
        holder = self.key_holders.get(job.concurrency_key)
        if holder:
            return _("The key %(key)s is busy with job %(job)s", key=job.concurrency_key, job=holder)
        if job.key_place == "behind":
            return _("Another job with the key %s comes first", job.concurrency_key)
        return None

    def _channel_reason(self, job, name):
        _ = job.env._
        limit = self.limits.get(name)
        if limit is None:
            return None
        if limit.paused:
            return _("The channel %s is paused", name)
        if limit.limit == 0:
            return _("The channel %s lets no job run: its limit is 0", name)
        if limit.limit > 0 and limit.running_count >= limit.limit:
            return _(
                "The channel %(channel)s is full: %(running)s of %(limit)s",
                channel=name,
                running=limit.running_count,
                limit=limit.limit,
            )
        return None

    def pace(self, job):
        """What a rate says of a job that nothing else holds back; None without one."""
        rates = [self.limits[name] for name in lineage(job.channel) if name in self.limits]
        slow = min((limit for limit in rates if limit.rate_limit), key=lambda limit: limit.rate_limit, default=None)
        if not slow:
            return None
        rate = f"{slow.rate_limit:g}"
        return job.env._("The channel %(channel)s starts at most %(rate)s jobs per second", channel=slow.name, rate=rate)

    def _count_edges(self):
        waiting = self.jobs.filtered(lambda job: job.state == states.WAITING)
        domain = [("job_id", "in", waiting.ids), ("released", "=", False)]
        groups = self.env["queue.job.dependency"]._read_group(domain, ["job_id", "kind"], ["__count"])
        return {(job.id, kind): count for job, kind, count in groups}

    def _read_limits(self):
        names = {name for channel in set(self.jobs.mapped("channel")) for name in lineage(channel)}
        limits = self.env["queue.limit"].search([("name", "in", list(names))])
        return {limit.name: limit for limit in limits}

    def _find_key_holders(self):
        keys = [key for key in self.jobs.mapped("concurrency_key") if key]
        if not keys:
            return {}
        holders = self.env["queue.job"].search([("state", "=", states.STARTED), ("concurrency_key", "in", keys)])
        return {job.concurrency_key: job.id for job in holders}


def _serves(worker, channel):
    return ChannelFilter.parse(worker.channels).serves(channel)
