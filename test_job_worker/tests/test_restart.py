import unittest

from odoo.tests import tagged

from .private_postgres import PrivatePostgresCase, find_binaries

COUNT = 600
RESTARTS = 10


@tagged("post_install", "-at_install")
@unittest.skipUnless(find_binaries(), "no PostgreSQL server programs here (JOB_WORKER_PG_BIN)")
class TestRestart(PrivatePostgresCase):
    """PostgreSQL crashes and comes back, again and again, under load."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.start_server()
        cls.conf = cls.write_conf("private.conf", db_host=cls.server.directory, db_port=5432, db_user="odoo")

    def count_done(self):
        return self.query("SELECT count(*) FROM queue_job WHERE state = 'done'")[0][0]

    def test_ten_crashes_of_the_server_lose_no_job_and_run_none_twice(self):
        self.query("DELETE FROM queue_job")
        self.insert_jobs("queue.test.ledger", "act", [[f"job {number}", "sleep", 0.01] for number in range(COUNT)])
        worker = self.start_worker("--stale-after-seconds", "30")
        for part in range(1, RESTARTS + 1):
            done = part * COUNT // (RESTARTS + 2)
            self.wait_until(lambda least=done: self.count_done() >= least, f"{done} jobs are done")
            self.server.stop("immediate")
            self.server.start()
        self.wait_until(lambda: self.count_done() == COUNT, f"all {COUNT} jobs are done")
        self.assertEqual(self.query("SELECT count(*), count(DISTINCT name) FROM queue_test_ledger"), [(COUNT, COUNT)])
        self.assertEqual(self.query("SELECT exc_name, exc_info FROM queue_job_attempt"), [], "No attempt is charged")
        self.assertEqual(self.query("SELECT max(attempts) FROM queue_job"), [(1,)])
        self.assertIsNone(worker.poll())
        log = worker.log.read_text()
        lost, found = log.count("Lost the connection to PostgreSQL"), log.count("Connected to PostgreSQL again")
        self.assertEqual((lost, found), (RESTARTS, RESTARTS), "Each loss is said once")
