import os
import shutil
import subprocess
import unittest

import psycopg2

from odoo import sql_db
from odoo.tests import tagged

from .common import WorkerCase

PGBOUNCER = shutil.which("pgbouncer") or shutil.which("pgbouncer", path="/usr/sbin")
PORT = 6432


@tagged("post_install", "-at_install")
@unittest.skipUnless(PGBOUNCER, "pgbouncer is not installed here")
class TestPooler(WorkerCase):
    """A pooler in transaction mode between the worker and PostgreSQL."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        info = sql_db.connection_info_for("postgres")[1]
        target = " ".join(f"{key}={info[key]}" for key in ("host", "port", "user", "password") if info.get(key))
        os.chmod(cls.directory, 0o777)  # pgbouncer gives up root, and puts its socket here
        config = cls.directory / "pgbouncer.ini"
        config.write_text(
            f"[databases]\n* = {target}\n"
            f"[pgbouncer]\nunix_socket_dir = {cls.directory}\nlisten_addr =\nlisten_port = {PORT}\n"
            "auth_type = any\npool_mode = transaction\nmax_client_conn = 50\ndefault_pool_size = 20\n"
            "ignore_startup_parameters = extra_float_digits,options\n"
        )
        as_user = ["-u", "nobody"] if os.geteuid() == 0 else []
        with (cls.directory / "pgbouncer.log").open("w") as log:
            cls.pooler = subprocess.Popen([PGBOUNCER, *as_user, config], stdout=log, stderr=log)
        cls.addClassCleanup(cls.pooler.wait)
        cls.addClassCleanup(cls.pooler.terminate)
        cls.pooled = cls.write_conf("pooled.conf", db_host=cls.directory, db_port=PORT)

    def setUp(self):
        super().setUp()
        self.wait_until(self.accepts, "pgbouncer accepts connections")

    def accepts(self):
        try:
            psycopg2.connect(host=self.directory, port=PORT, user="odoo", dbname=self.db_name).close()
        except psycopg2.OperationalError:
            return False
        return True

    @classmethod
    def environment(cls, **extra):
        names = ("PGHOST", "PGPORT")  # they would weigh more than the configuration
        return {key: value for key, value in super().environment(**extra).items() if key not in names}

    def start_behind_pooler(self, *options):
        self.conf, before = self.pooled, self.conf
        self.addCleanup(setattr, self, "conf", before)
        return self.start_worker("--poll-timeout", "0.5", *options)

    def test_behind_a_pooler_it_polls_and_runs_jobs(self):
        worker = self.start_behind_pooler()
        self.assertIn("polling, for a pooler is in between", worker.log.read_text())
        for job_id in [self.enqueue_act(f"pooled {number}") for number in range(20)]:
            self.wait_for_state(job_id, "done")
        self.assertEqual(self.query("SELECT session_lock FROM queue_worker"), [(False,)])
        self.assertNotIn("ERROR", worker.log.read_text())

    def test_behind_a_pooler_a_dead_worker_is_seen_by_its_heartbeat(self):
        options = ("--stale-after-seconds", "2", "--heartbeat-interval-seconds", "0.5")
        job_id = self.enqueue_act("moved", "sleep", 3600)
        victim = self.start_behind_pooler(*options)
        self.wait_for_state(job_id, "started")
        victim.kill()
        victim.wait()
        self.start_worker("--poll-timeout", "0.5", *options)
        self.wait_until(lambda: self.job(job_id, "state", "attempts") == ("started", 1), "it runs elsewhere")

    def test_a_way_around_the_pooler_for_control_brings_notifications_and_the_lock_back(self):
        info = sql_db.connection_info_for("postgres")[1]
        options = ["--db-host", str(info["host"])] if info.get("host") else []
        options += ["--db-port", str(info.get("port") or 5432)]
        worker = self.start_behind_pooler(*options)
        self.assertIn("executors, listening", worker.log.read_text())
        self.assertEqual(self.query("SELECT session_lock FROM queue_worker"), [(True,)])
        job_id = self.enqueue_act("around")
        self.wait_for_state(job_id, "done")
