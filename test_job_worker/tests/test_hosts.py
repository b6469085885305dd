import unittest

import psycopg2

from odoo import sql_db
from odoo.tests import tagged

from .common import WorkerCase
from .network import Host, why_no_hosts
from .private_postgres import PrivatePostgres, find_binaries

JOB_SECONDS = 4.0


@tagged("post_install", "-at_install")
@unittest.skipUnless(find_binaries(), "no PostgreSQL server programs here (JOB_WORKER_PG_BIN)")
class TestHosts(WorkerCase):
    """Two hosts with a network between them and the server, which breaks."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        if reason := why_no_hosts():
            raise unittest.SkipTest(reason)
        cls.hosts = [cls.make_host(number) for number in (1, 2)]
        cls.server = PrivatePostgres(find_binaries())
        cls.addClassCleanup(cls.server.remove)
        cls.server.start([host.server_address for host in cls.hosts])
        info = sql_db.connection_info_for(cls.db_name)[1]
        names = (("host", "host"), ("port", "port"), ("username", "user"))
        arguments = [f"--{name}={info[key]}" for name, key in names if info.get(key)]
        cls.server.copy_database([*arguments, cls.db_name], cls.db_name)

    @classmethod
    def make_host(cls, number):
        host = Host(number)
        cls.addClassCleanup(host.remove)
        return host

    @classmethod
    def environment(cls, **extra):
        names = ("PGHOST", "PGPORT", "PGUSER", "PGPASSWORD")
        return {key: value for key, value in super().environment(**extra).items() if key not in names}

    def query(self, sql, *params):
        connection = psycopg2.connect(host=self.server.directory, user="odoo", dbname=self.db_name)
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(sql, params)
            rows = cursor.fetchall() if cursor.description else None
        connection.close()
        return rows

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
