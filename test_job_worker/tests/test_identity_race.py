import os
from multiprocessing import Barrier, Pipe

from odoo import sql_db
from odoo.modules.registry import Registry
from odoo.service.model import retrying
from odoo.tests import tagged

from .common import WorkerCase

ENQUEUERS = 20


@tagged("post_install", "-at_install")
class TestIdentityRace(WorkerCase):
    def test_twenty_enqueuers_at_the_same_time_make_one_job(self):
        """Each in a process of its own, retried on conflict as Odoo retries a request."""
        barrier = Barrier(ENQUEUERS)
        reader, writer = Pipe(duplex=False)
        children = [self.fork(lambda: writer.send_bytes(self.enqueue(barrier))) for _number in range(ENQUEUERS)]
        codes = [os.waitpid(pid, 0)[1] for pid in children]
        writer.close()
        self.assertEqual(codes, [0] * ENQUEUERS)
        ids = {reader.recv_bytes() for _child in children}
        self.assertEqual(len(ids), 1)
        self.assertEqual(self.query("SELECT count(*) FROM queue_job WHERE identity_key = 'race'"), [(1,)])

    def enqueue(self, barrier):
        with Registry(self.db_name).cursor() as cr:
            env = self.environment_of(cr)
            # The snapshot is taken before any of them has stored its job.
            cr.execute("SELECT 1")
            barrier.wait(60)

            def enqueue():
                return env["queue.test.ledger"].with_delay(identity_key="race").act("race").id

            return str(retrying(enqueue, env)).encode()

    def fork(self, work):
        """Run ``work`` in a child; return its process id."""
        sql_db.close_all()  # a child shares no connection with its parent
        pid = os.fork()
        if pid == 0:
            code = 1
            try:
                work()
                code = 0
            finally:
                os._exit(code)
        return pid
