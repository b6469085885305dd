from odoo import models

from ..runtime.live import CHANNEL


class IrWebsocket(models.AbstractModel):
    _inherit = "ir.websocket"

    def _build_bus_channel_list(self, channels):
        if not self.env.user.has_group("job_worker.group_queue_job_user"):
            # Others in the list may be records, which complain when they are compared with text.
            channels = [channel for channel in channels if not (isinstance(channel, str) and channel == CHANNEL)]
        return super()._build_bus_channel_list(channels)
