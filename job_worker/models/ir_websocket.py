from odoo import models

from ..runtime.live import CHANNEL


class IrWebsocket(models.AbstractModel):
    _inherit = "ir.websocket"

    def _build_bus_channel_list(self, channels):
        if CHANNEL in channels and not self.env.user.has_group("job_worker.group_queue_job_user"):
            channels = [channel for channel in channels if channel != CHANNEL]
        return super()._build_bus_channel_list(channels)
