"""PostgreSQL crashes under Odoo, a worker and the monitor, and all of them go on."""

import socket
import subprocess
import sys
import unittest
from contextlib import suppress
from unittest import SkipTest

import psutil
import psycopg2
import requests

from odoo.modules.registry import Registry
from odoo.tests import tagged
from odoo.tests.common import BaseCase, get_db_name

from ..models.res_config_settings import TOKEN

try:
    from odoo.addons.test_job_worker.tests.private_postgres import PrivatePostgresCase, find_binaries
except ImportError:  # the module of tests isn't on the addons path
    PrivatePostgresCase, find_binaries = BaseCase, bool

try:
    from prometheus_client.parser import text_string_to_metric_families as parse
except ImportError:
    parse = None

COUNT = 200
BAD = 7
ANSWER_SECONDS = 30


@tagged("post_install", "-at_install")
@unittest.skipUnless(find_binaries(), "no PostgreSQL server programs here (JOB_WORKER_PG_BIN)")
class TestRestart(PrivatePostgresCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        if "queue.test.ledger" not in Registry(get_db_name()):
            raise SkipTest("test_job_worker, whose kit starts workers, is not installed")
        cls.start_server()
        cls.conf = cls.write_conf("private.conf", db_host=cls.server.directory, db_port=5432, db_user="odoo")

    def setUp(self):
        super().setUp()
        for table in ("queue_job", "queue_metric", "queue_metric_level", "queue_alert", "queue_monitor_worker"):
            self.query(f"DELETE FROM {table}")
        self.query("UPDATE ir_cron SET active = (cron_name LIKE 'Job Queue: collect%%')")
        self.query("UPDATE queue_alert_rule SET active = FALSE")
        self.query("DELETE FROM ir_config_parameter WHERE key = %s", TOKEN)
        self.query("INSERT INTO ir_config_parameter (key, value) VALUES (%s, 'token')", TOKEN)
        self.odoo = Server(self)
        self.addCleanup(self.odoo.stop)
        self.odoo.start()
        self.wait_until(self.log_in, "Odoo lets somebody in")

    def explain(self):
        return f"{super().explain()}\n--- Odoo, log:\n{self.odoo.log.read_text()[-3000:]}"

    # -- over HTTP ------------------------------------------------------------------

    def log_in(self):
        user = {"db": self.db_name, "login": "admin", "password": "admin"}
        return self.odoo.rpc("/web/session/authenticate", **user)

    def call(self, model, method, *args):
        """The result of a method, once Odoo answers."""
        return self.wait_until(lambda: self.odoo.call(model, method, *args), f"Odoo answers {model}.{method}")

    def dashboard(self):
        return self.call("queue.monitor", "get_dashboard", "1h")

    def ended_by_scrape(self):
        """``{outcome: number}`` of all jobs that ever ended, as Prometheus reads it."""
        text = self.wait_until(self.odoo.scrape, "the metrics are there")
        (family,) = (family for family in parse(text) if family.name == "job_worker_jobs_ended")
        return {sample.labels["outcome"]: sample.value for sample in family.samples}

    def turn(self):
        """Have the scheduled action run at once, by Odoo's own process for it."""
        # Not long ago: Odoo goes from there to now step by step.
        self.query("UPDATE ir_cron SET nextcall = now() AT TIME ZONE 'UTC' - interval '1 second' WHERE active")
        self.wait_until(self.is_turned, "the scheduled action has run")

    def is_turned(self):
        self.odoo.keep()
        connection = psycopg2.connect(host=self.server.directory, user="odoo", dbname="postgres")
        connection.autocommit = True
        connection.cursor().execute("SELECT pg_notify('cron_trigger', %s)", [self.db_name])
        connection.close()
        return self.query("SELECT 1 FROM ir_cron WHERE active AND nextcall > now() AT TIME ZONE 'UTC'")

    def crash(self):
        """The server of the database dies; meanwhile nobody gets numbers, and nobody hangs; then it comes back."""
        self.server.stop("immediate")
        self.assertIsNone(self.odoo.call("queue.monitor", "get_dashboard", "1h"))
        self.assertIsNone(self.odoo.scrape())
        self.server.start()

    # -- what is true -----------------------------------------------------------------

    def alerts(self, rule_id):
        return self.query("SELECT state FROM queue_alert WHERE rule_id = %s ORDER BY id", rule_id)

    def told(self, rule_id):
        return self.query(
            """SELECT event, delivery.state
                 FROM queue_alert_delivery delivery JOIN queue_alert alert ON alert_id = alert.id
                WHERE rule_id = %s ORDER BY delivery.id""",
            rule_id,
        )

    def ended_by_minute(self):
        return self.query(
            "SELECT date_trunc('minute', completed_at), state, count(*) FROM queue_job GROUP BY 1, 2 ORDER BY 1, 2"
        )

    def counted(self, resolution):
        return self.query(
            """SELECT period, outcome, sum(count)::int FROM queue_metric
                WHERE resolution = %s AND function <> '' AND outcome <> 'error' GROUP BY 1, 2 ORDER BY 1, 2""",
            resolution,
        )

    @unittest.skipUnless(parse, "prometheus_client is not installed")
    def test_after_crashes_of_postgresql_numbers_are_exact_and_alerts_go_on(self):
        (admin,) = self.query("SELECT res_id FROM ir_model_data WHERE module = 'base' AND name = 'user_admin'")[0]
        rules = {}
        for kind, values in (("no_worker", {}), ("failed_count", {"threshold": BAD, "window_minutes": 60})):
            rule = {**values, "name": kind, "kind": kind, "chat_user_ids": [admin]}
            rules[kind] = self.call("queue.alert.rule", "create", rule)
        self.turn()
        self.assertEqual(self.alerts(rules["no_worker"]), [("firing",)])
        self.assertIn("No worker", self.dashboard()["health"]["text"])

        self.crash()
        self.turn()
        self.assertEqual(self.alerts(rules["no_worker"]), [("firing",)])
        self.assertEqual(self.told(rules["no_worker"]), [("fire", "sent")], "Told once, before the crash")

        self.insert_jobs("queue.test.ledger", "act", [[f"job {number}", "sleep", 0.02] for number in range(COUNT)])
        self.start_worker("--stale-after-seconds", "30")
        for part in (COUNT // 4, COUNT // 2):
            self.wait_until(lambda least=part: self.count_done() >= least, f"{part} jobs are done")
            self.turn()
            self.crash()
        self.insert_jobs("queue.test.ledger", "act", [[f"bad {number}", "fail"] for number in range(BAD)])
        self.wait_until(lambda: len(self.unfinished()) == 0, "all jobs have ended")
        self.turn()

        self.assertEqual(self.counted("minute"), self.ended_by_minute())
        for resolution in ("hour", "day"):
            sums = {"done": 0, "failed": 0}
            for _period, outcome, count in self.counted(resolution):
                sums[outcome] += count
            self.assertEqual(sums, {"done": COUNT, "failed": BAD})
        tiles = self.dashboard()["tiles"]
        self.assertEqual((tiles["ended"], tiles["failed"], tiles["workers_alive"]), (COUNT + BAD, BAD, 1))
        self.assertEqual(self.ended_by_scrape(), {"done": COUNT, "failed": BAD})
        self.assertEqual(self.alerts(rules["no_worker"]), [("resolved",)])
        self.assertEqual(self.told(rules["no_worker"]), [("fire", "sent"), ("resolve", "sent")])
        self.assertEqual(self.alerts(rules["failed_count"]), [("firing",)])

    def count_done(self):
        return self.query("SELECT count(*) FROM queue_job WHERE state = 'done'")[0][0]

    def unfinished(self):
        return self.query("SELECT id FROM queue_job WHERE state NOT IN ('done', 'failed')")


class Server:
    """Odoo with several processes, and what a service manager does for it.

    Odoo ends by itself when it can't replace a process because PostgreSQL is away.

    :param case: the :class:`ProcessCase` that it serves
    """

    def __init__(self, case):
        self._environment = case.environment()
        self.log = case.directory / "odoo.log"
        program = case.directory / "odoo-bin"  # Odoo starts its process for websockets by its own path
        program.write_text("import odoo.cli\n\nodoo.cli.main()\n")
        ports = free_ports(2)
        self._url = f"http://127.0.0.1:{ports[0]}"
        self._command = [
            *(sys.executable, program, "server", "-c", case.conf, "-d", case.db_name, "--workers=1"),
            *("--max-cron-threads=1", "--http-interface=127.0.0.1"),
            *(f"--http-port={ports[0]}", f"--gevent-port={ports[1]}"),
        ]
        self._session = requests.Session()
        self._process = None

    def start(self):
        with self.log.open("a") as output:
            self._process = psutil.Popen(
                self._command,
                env=self._environment,
                stdout=output,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
            )

    def keep(self):
        """Start it again if it has ended."""
        if self._process.poll() is not None:
            self.start()

    def stop(self):
        family = self._process.children(recursive=True) if self._process.poll() is None else []
        self._process.kill()
        self._process.wait()
        for process in family:
            with suppress(psutil.NoSuchProcess):
                process.kill()
        psutil.wait_procs(family, timeout=10)

    def call(self, model, method, *args):
        """What a method returns; None when it came to an error."""
        path = f"/web/dataset/call_kw/{model}/{method}"
        return self.rpc(path, model=model, method=method, args=args, kwargs={})

    def rpc(self, path, **params):
        answer = self._request("POST", path, json={"params": params})
        return answer and answer.json().get("result")

    def scrape(self):
        """The text of the metrics; None when there are none."""
        answer = self._request("GET", "/job_worker/metrics", headers={"Authorization": "Bearer token"})
        return answer and answer.text

    def _request(self, method, path, **options):
        self.keep()
        try:
            answer = self._session.request(method, self._url + path, timeout=ANSWER_SECONDS, **options)
        except requests.ConnectionError:
            return None
        return answer if answer.ok else None


def free_ports(count):
    probes = [socket.create_server(("127.0.0.1", 0)) for _number in range(count)]
    ports = [probe.getsockname()[1] for probe in probes]
    for probe in probes:
        probe.close()
    return ports
