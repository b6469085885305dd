import os
import time

from odoo import api, fields, models


class QueueBench(models.Model):
    """What the measured jobs are methods of; whichever queue is installed beside it runs them."""

    _name = "queue.bench"
    _description = "Queue Benchmark"

    name = fields.Char()
    counter = fields.Integer()

    @api.private
    def do_nothing(self):
        """The job that costs only what the queue itself costs."""

    @api.private
    def write_one(self, value):
        self.counter = value

    @api.private
    def sleep(self, seconds):
        time.sleep(seconds)

    @api.private
    def stamp(self, number, path):
        """Append ``number`` and the time at which this line was reached (Unix time, seconds) to a file.

        :param str path: a file that the benchmark has made
        """
        now = time.time()
        descriptor = os.open(path, os.O_WRONLY | os.O_APPEND)
        try:
            os.write(descriptor, f"{number} {now:.6f}\n".encode())
        finally:
            os.close(descriptor)
