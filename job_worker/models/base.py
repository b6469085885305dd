from odoo import api, models

from ..delay import Delayable, DelayableRecordset


class Base(models.AbstractModel):
    _inherit = "base"

    @api.private
    def with_delay(self, **options):
        """Return a proxy of these records whose method calls are enqueued instead of made.

            job = partner.with_delay(priority=5, channel="exports").write({"name": "Queued"})

        :param options: see :meth:`queue.job.enqueue`
        :return: :class:`~odoo.addons.job_worker.delay.DelayableRecordset`; calling a
            method on it returns the ``queue.job`` record
        :raise JobOptionError: an option is unknown, of a wrong type or out of range
        """
        return DelayableRecordset(self, options)

    @api.private
    def delayable(self, **options):
        """Return a call to be built, combined into a graph and enqueued by ``delay()``.

            first = order.delayable(priority=5).export()
            first.on_done(order.delayable().notify()).delay()

        :param options: see :meth:`queue.job.enqueue`
        :return: :class:`~odoo.addons.job_worker.delay.Delayable`
        :raise JobOptionError: an option is unknown, of a wrong type or out of range
        """
        return Delayable(self, **options)

    def _job_store_values(self, job):
        """Hook: more values to store on a job of these records.

        :param job: :class:`~odoo.addons.job_worker.spec.JobSpec`
        :return: dict of stored ``queue.job`` fields, such as those that an addon has added
        """
        return {}

    @api.model
    def _job_prepare_context_before_enqueue_keys(self):
        """Hook: the keys of the context that follow a job into the worker.

        :return: tuple of str
        """
        return ("tz", "lang", "allowed_company_ids", "active_test")

    def _job_prepare_context_before_enqueue(self):
        """The part of the context that is stored with a job; its values must be JSON values."""
        context = self.env.context
        return {key: context[key] for key in self._job_prepare_context_before_enqueue_keys() if key in context}
