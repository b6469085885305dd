from odoo import api, models

from ..delay import DelayableRecordset


class Base(models.AbstractModel):
    _inherit = "base"

    @api.private
    def with_delay(self, **options):
        """Return a proxy of these records whose method calls are enqueued instead of made.

            job = partner.with_delay(priority=5, channel="exports").write({"name": "Queued"})

        :param options: see :meth:`queue.job.enqueue`; checked here, before the call
        :return: :class:`~odoo.addons.job_worker.delay.DelayableRecordset`; calling a
            method on it returns the ``queue.job`` record
        :raise JobOptionError: an option is unknown, of a wrong type or out of range
        """
        return DelayableRecordset(self, options)
