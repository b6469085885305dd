import unittest

from odoo.tests import tagged

from .network import Host, why_no_hosts
from .private_postgres import PrivatePostgresCase, find_binaries

JOB_SECONDS = 4.0


@tagged("post_install", "-at_install")
@unittest.skipUnless(find_binaries(), "no PostgreSQL server programs here (JOB_WORKER_PG_BIN)")
class TestHosts(PrivatePostgresCase):
    """Two hosts with a network between them and the server, which breaks."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        if reason := why_no_hosts():
            raise unittest.SkipTest(reason)
        cls.hosts = [cls.make_host(number) for number in (1, 2)]
        cls.start_server([host.server_address for host in cls.hosts])

    @classmethod
    def make_host(cls, number):
        host = Host(number)
        cls.addClassCleanup(host.remove)
        return host

    def start_on(self, host, *options):
        self.conf = self.write_conf(f"{host.name}.conf", db_host=host.server_address, db_port=5432, db_user="odoo")
        return self.start_worker(*options, "--heartbeat-interval-seconds", "0.4", prefix=host.prefix)

    def test_a_host_that_is_cut_off_loses_its_job_to_another_and_can_not_commit_it_later(self):
        self.query("DELETE FROM queue_job")
        near, far = self.hosts
        # Its manager is patient, for the same reason as below.
        lost = self.start_on(far, "--stale-after-seconds", "120")
        self.insert_jobs("queue.test.ledger", "act_at_the_end", [["job", JOB_SECONDS]], max_retries=3)
        ((job_id,),) = self.query("SELECT id FROM queue_job")
        self.wait_for_state(job_id, "started")
        first_worker = self.job(job_id, "worker_name")
        supervisor = self.supervisor(lost)
        supervisor.suspend()  # else it would kill the late job as soon as it is back: its commit is to be seen
        far.cut()
        self.start_on(near, "--stale-after-seconds", "1.5")
        self.wait_for_state(job_id, "done")
        self.assertNotEqual(self.job(job_id, "worker_name"), first_worker)
        failures = self.query("SELECT exc_name, worker_name FROM queue_job_attempt")
        self.assertEqual(failures, [("WorkerLost", first_worker)])
        effects = self.query("SELECT pid FROM queue_test_ledger")
        self.assertEqual(len(effects), 1)
        far.mend()
        self.wait_until(lambda: "lost its claim" in lost.log.read_text(), "the late commit is refused", seconds=120)
        self.assertEqual(self.query("SELECT pid FROM queue_test_ledger"), effects)
        self.assertEqual(self.job(job_id, "state", "attempts"), ("done", 2))
        supervisor.resume()
        self.wait_until(lambda: "starting afresh" in lost.log.read_text(), "the host is back and knows what happened")
