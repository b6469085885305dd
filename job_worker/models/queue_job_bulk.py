"""Operations on all jobs that match a filter: in batches, each in a transaction of its own."""

import logging

from psycopg2.extensions import TransactionRollbackError

from odoo import api, models
from odoo.exceptions import UserError
from odoo.fields import Domain

from ..engine import states
from ..exception import FailedJobError

_logger = logging.getLogger(__name__)

BATCH_SIZE = 1000
MAX_TRIES_ON_CONFLICT = 5
# operation: (method, the states of the jobs that it can change)
OPERATIONS = {
    "requeue": ("button_requeue", (states.FAILED, states.CANCELLED)),
    "cancel": ("button_cancel", (states.WAITING, states.PENDING, states.STARTED)),
    "done": ("button_done", (states.WAITING, states.PENDING, states.FAILED, states.CANCELLED)),
    "failed": ("button_failed", (states.WAITING, states.PENDING, states.CANCELLED)),
    "run_now": ("button_run_now", (states.WAITING, states.PENDING)),
    "schedule": ("_button_schedule", (states.WAITING, states.PENDING)),
    "priority": ("_button_priority", (states.WAITING, states.PENDING)),
    "channel": ("_button_channel", (states.WAITING, states.PENDING)),
}


class QueueJob(models.Model):
    _inherit = "queue.job"

    @api.model
    def _bulk_domain(self, operation, domain):
        """The jobs of ``domain`` that ``operation`` can change, but for the bulk operations themselves."""
        _method, changeable = OPERATIONS[operation]
        not_bulk = Domain("method_name", "!=", "_bulk_operate") | Domain("model_name", "!=", self._name)
        return Domain(domain) & Domain("state", "in", list(changeable)) & not_bulk

    @api.model
    def _bulk_operate(self, operation, domain, args=()):
        """The job of a bulk operation: all jobs that match ``domain``, as far as its user may.

        Each batch is committed by itself. A batch that fails is tried again in parts, so that it
        costs the jobs that are at fault and no others.

        :param str operation: a key of :data:`OPERATIONS`
        :param list domain: search domain on ``queue.job``
        :param args: arguments of the operation's method
        :return: dict of ``changed`` and ``skipped`` (numbers of jobs)
        :raise FailedJobError: some jobs were refused; the others are changed and committed
        """
        matching = self._bulk_domain(operation, domain)
        total = self.search_count(matching)
        newest = self.search(matching, order="id desc", limit=1).id
        seen, errors, last_id = 0, [], 0
        while newest and (jobs := self._bulk_batch(matching, last_id, newest)):
            last_id = jobs[-1].id
            seen += len(jobs)
            self._operate_in_parts(operation, jobs, args, errors)
            self.env["queue.job"].current().set_progress(min(seen, total), total, f"{seen} / {total}")
        if errors:
            listed = "\n".join(errors[:20])
            raise FailedJobError(f"{seen - len(errors)} jobs changed, {len(errors)} refused:\n{listed}")
        return {"changed": seen, "skipped": 0}

    @api.model
    def _bulk_batch(self, matching, last_id, newest):
        # By id upwards: what the operation has changed is behind, whether it still matches or not.
        domain = matching & Domain("id", ">", last_id) & Domain("id", "<=", newest)
        return self.search(domain, order="id", limit=BATCH_SIZE)

    @api.model
    def _operate_in_parts(self, operation, jobs, args, errors):
        parts = [jobs]
        while parts:
            part = parts.pop()
            try:
                self._operate_and_commit(operation, part, args)
            except Exception as error:
                self.env.cr.rollback()
                self.env.invalidate_all()
                if len(part) == 1:
                    errors.append(f"{part.id}: {error}")
                    _logger.info("Bulk %s of job %s: %s", operation, part.id, error)
                else:
                    middle = len(part) // 2
                    parts += [part[middle:], part[:middle]]

    @api.model
    def _operate_and_commit(self, operation, jobs, args):
        method, _changeable = OPERATIONS[operation]
        for tries_left in reversed(range(MAX_TRIES_ON_CONFLICT)):
            try:
                getattr(jobs, method)(*args)
                self.env.cr.commit()  # pylint: disable=invalid-commit
                return
            except TransactionRollbackError:
                # A worker has changed one of them meanwhile: look again, with a new snapshot.
                self.env.cr.rollback()
                self.env.invalidate_all()
                if not tries_left:
                    raise

    @api.model
    def _start_bulk(self, operation, domain, args=(), description=None):
        """Enqueue :meth:`_bulk_operate` for the current user; return its job."""
        if operation not in OPERATIONS:
            raise UserError(self.env._("There is no operation %s.", operation))
        delayed = self.env["queue.job"].with_delay(
            priority=0, max_retries=3, description=description or self.env._("Bulk operation: %s", operation)
        )
        return delayed._bulk_operate(operation, domain, list(args))
