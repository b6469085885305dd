"""Measuring: what a rule compares with its threshold, by subject."""

import ast
from collections import Counter, defaultdict
from datetime import timedelta
from pathlib import Path

from odoo import SUPERUSER_ID, api, models
from odoo.exceptions import ValidationError
from odoo.fields import Domain
from odoo.tools import SQL

from odoo.addons.job_worker.engine.channels import ROOT, lineage
from odoo.addons.job_worker.engine.queries import parse_queries

from ..metrics import periods
from ..metrics.histogram import percentile

QUERIES = parse_queries((Path(__file__).parents[1] / "alerts" / "queries.sql").read_text())
# A domain of a person may be slow; the other rules must not wait for it.
DOMAIN_TIMEOUT_SECONDS = 5


class QueueAlertRule(models.Model):
    _inherit = "queue.alert.rule"

    def _measure(self, now):
        """Measure what this rule watches.

        :param datetime now: windows are whole minutes, up to the one that this is in
        :return: dict of subject (empty text for the whole scope, else a channel or a function) to a number;
            a subject that there is nothing to say about is not in it
        """
        self.ensure_one()
        values = getattr(self, f"_measure_{self.kind}")(now)
        return {subject or "": float(value) for subject, value in values.items() if value is not None}

    def _measure_failed_count(self, now):
        return self._measure_by_query("failed_count", now)

    def _measure_error_count(self, now):
        return self._measure_by_query("error_count", now)

    def _measure_failure_rate(self, now):
        return self._measure_by_query("failure_rate", now)

    def _measure_wait_average(self, now):
        return self._measure_by_query("wait_average", now)

    def _measure_depth(self, now):
        return self._measure_by_query("depth" if self._needs_jobs() else "level_depth", now)

    def _measure_oldest_age(self, now):
        return self._measure_by_query("oldest_age" if self._needs_jobs() else "level_oldest_age", now)

    def _needs_jobs(self):
        """Whether the jobs themselves must be looked at: levels don't tell functions apart."""
        return bool(self.function) or self.measured_by == "function"

    def _measure_failing_streak(self, now):
        return self._measure_by_query("failing_streak", now)

    def _measure_channel_stalled(self, now):
        is_held = self._held_channels()
        return {
            channel: seconds
            for channel, seconds in self._measure_by_query("channel_stalled", now).items()
            if not is_held(channel)
        }

    def _measure_duration_p95(self, now):
        histograms = defaultdict(Counter)
        for subject, bucket, count in self._query("duration_histograms", now):
            histograms[subject][bucket] += count
        return {
            subject: percentile(histogram, 0.95)
            for subject, histogram in histograms.items()
            if sum(histogram.values()) >= self.min_jobs
        }

    def _measure_dead_workers(self, now):
        workers = self.env["queue.metric"]._live_workers(now)
        ((died,),) = self._query("died_workers", now)
        return {"": died + sum(not worker["alive"] for worker in workers)}

    def _measure_no_worker(self, now):
        workers = self.env["queue.metric"]._live_workers(now)
        return {"": int(not any(worker["alive"] for worker in workers))}

    def _measure_domain(self, now):
        """Count the jobs in the rule's domain as the person who wrote it sees them."""
        domain = self._parse_domain()
        jobs = self.env["queue.job"].with_user(self.author_id).sudo(False)
        ((before,),) = self.env.execute_query(SQL("SELECT current_setting('statement_timeout')"))
        self._set_statement_timeout(f"{DOMAIN_TIMEOUT_SECONDS}s")
        count = jobs.with_context(active_test=False).search_count(domain)
        self._set_statement_timeout(before)  # an error before it rolls the setting back
        return {"": count}

    def _parse_domain(self):
        """The rule's domain, read as literal values: nothing in it is evaluated.

        :raise ValidationError: it is no domain of jobs
        """
        try:
            domain = Domain(ast.literal_eval((self.domain or "[]").strip()))
            domain.validate(self.env["queue.job"])
        except (ValueError, SyntaxError, TypeError, RecursionError, MemoryError) as error:
            raise ValidationError(
                self.env._(
                    "%(rule)s: %(domain)s is no domain of jobs: %(error)s",
                    rule=self.name,
                    domain=self.domain,
                    error=error,
                )
            ) from error
        return domain

    def _set_statement_timeout(self, value):
        self.env.execute_query(SQL("SELECT set_config('statement_timeout', %s, TRUE)", value))

    def _measure_by_query(self, name, now):
        return dict(self._query(name, now))

    def _query(self, name, now):
        return self.env.execute_query(
            SQL(
                QUERIES[name],
                now=now,
                since=periods.floor(now, periods.MINUTE) - timedelta(minutes=self.window_minutes),
                min_jobs=self.min_jobs,
                levels=self.env["queue.metric"]._levels_of_turn(now),
                subject=self._sql_subject(name),
                metric_scope=self._sql_scope(SQL.identifier("function")),
                job_scope=self._sql_scope(SQL("job.model_name || '.' || job.method_name")),
                live_scope=self._sql_scope(None),
            )
        )

    def _sql_subject(self, query):
        if self.measured_by == "channel":
            return SQL.identifier("channel")
        if self.measured_by == "function":
            if query in ("depth", "oldest_age"):
                return SQL("job.model_name || '.' || job.method_name")
            return SQL.identifier("function")
        return SQL("''")

    def _sql_scope(self, function):
        """The condition of this rule's scope; a channel includes those below it."""
        conditions = [SQL("TRUE")]
        if self.author_id.id != SUPERUSER_ID:  # its rules come with the module, and look at everything
            conditions.append(
                SQL("(company_id IS NULL OR company_id = ANY(%s))", self.author_id.sudo().company_ids.ids)
            )
        if self.company_id:
            conditions.append(SQL("company_id = %s", self.company_id.id))
        if self.channel and self.channel != ROOT:
            conditions.append(SQL("(channel = %s OR starts_with(channel, %s))", self.channel, self.channel + "."))
        if self.function and function:
            conditions.append(SQL("%s = %s", function, self.function))
        return SQL(" AND ").join(conditions)

    @api.model
    def _held_channels(self):
        """A function: whether someone has stopped a channel on purpose, by a limit of it or of one above."""
        held = set(
            self.env["queue.limit"].sudo().search(["|", ("limit", "=", 0), ("paused", "=", True)]).mapped("name")
        )
        return lambda channel: any(name in held for name in lineage(channel))
