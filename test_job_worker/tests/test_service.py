import json
import os
import re
import signal
import socket
import subprocess
import sys

from odoo.tests import tagged

from .common import RUN_WORKER, WorkerCase


@tagged("post_install", "-at_install")
class TestService(WorkerCase):
    """The worker as a service: what it tells systemd, probes, logs and operators."""

    def health(self, *options):
        return self.run_program(RUN_WORKER, "-c", self.conf, "-d", self.db_name, "--health", *options)

    def test_health_is_good_while_a_worker_lives_and_bad_once_it_is_gone(self):
        ended = self.health()
        self.assertEqual(ended.returncode, 1, ended.stdout)
        self.assertIn(f"database {self.db_name} has no living worker on {socket.gethostname()}", ended.stderr)
        worker = self.start_worker()
        ended = self.health()
        self.assertEqual(ended.returncode, 0, ended.stderr)
        self.assertIn("running", ended.stdout)
        worker.kill()
        worker.wait()
        self.wait_until(lambda: self.health().returncode == 1, "the dead worker is unhealthy")

    def test_health_of_a_server_that_is_down_is_bad_in_one_line(self):
        conf = self.write_conf("down.conf", db_host="127.0.0.1", db_port=1)
        ended = self.run_program(RUN_WORKER, "-c", conf, "-d", self.db_name, "--health", PGHOST="127.0.0.1")
        self.assertEqual(ended.returncode, 1)
        self.assertEqual(len(ended.stderr.strip().splitlines()), 1, ended.stderr)

    def test_systemd_is_told_when_it_is_ready_alive_reloading_and_stopping(self):
        path = self.directory / "notify"
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify:
            notify.bind(str(path))
            notify.setblocking(False)
            self.messages = []
            environment = {"NOTIFY_SOCKET": str(path), "WATCHDOG_USEC": "400000"}
            worker = self.start_worker(environment=environment)

            def said(*lines):
                self.messages += receive_all(notify)
                text = "\n".join(self.messages)
                return all(line in text for line in lines)

            self.wait_until(lambda: said("READY=1", "WATCHDOG=1", f"STATUS=Serving {self.db_name} (running)"), "ready")
            self.messages.clear()
            worker.send_signal(signal.SIGHUP)
            self.wait_until(lambda: said("RELOADING=1", "MONOTONIC_USEC=", "READY=1"), "it has reloaded")
            worker.send_signal(signal.SIGTERM)
            self.wait_until(lambda: said("STOPPING=1"), "it stops")
            self.assertEqual(worker.wait(30), 0)

    def test_the_log_says_what_a_sysadmin_wants_to_know(self):
        worker = self.start_worker("--poll-timeout", "2")
        job_id = self.enqueue_act("logged", "sleep", 0.1, channel="root.exports")
        self.wait_for_state(job_id, "done")
        worker.send_signal(signal.SIGTERM)
        worker.wait(30)
        log = worker.log.read_text()
        uuid = self.job(job_id, "uuid")
        for expected in (
            r"Started with process \d+, configuration: concurrency=2, poll_timeout=2",
            rf"Serving {self.db_name}",
            r"serves with 2 executors, listening",
            rf"Job {uuid} \(root.exports\) queue.test.ledger.act attempt 1: done in 0.\d+ s",
            r"Draining: 0 running jobs get 30 s to end",
            r"Worker \S+ stopped",
        ):
            self.assertTrue(re.search(expected, log), f"{expected} in:\n{log}")
        self.assertNotIn("WARNING", log)

    def test_a_json_log_has_an_object_per_line_with_the_parts_of_a_job(self):
        worker = self.start_worker("--log-format", "json")
        job_id = self.enqueue_act("logged", channel="root.exports")
        self.wait_for_state(job_id, "done")
        worker.send_signal(signal.SIGTERM)
        worker.wait(30)
        lines = worker.log.read_text().splitlines()
        entries = [json.loads(line) for line in lines if line.startswith("{")]
        (job,) = [entry["job"] for entry in entries if "job" in entry]
        self.assertEqual((job["channel"], job["attempt"], job["outcome"]), ("root.exports", 1, "done"))
        self.assertEqual(job["uuid"], self.job(job_id, "uuid"))
        started = next(number for number, line in enumerate(lines) if "Started with process" in line)
        self.assertEqual([line for line in lines[started:] if not line.startswith("{")], [])

    def test_a_reload_takes_over_the_configuration_file_and_refuses_a_broken_one(self):
        conf = self.write_conf("reload.conf")
        base = conf.read_text()
        self.conf, before = conf, self.conf
        self.addCleanup(setattr, self, "conf", before)
        worker = self.start_worker("--concurrency", "1")
        conf.write_text(base + "[job_worker]\npoll_timeout = never\n")
        worker.send_signal(signal.SIGHUP)
        self.wait_until(lambda: "The configuration stays as it is" in worker.log.read_text(), "it is refused")
        conf.write_text(base + "[job_worker]\nchannels = exports\n")
        worker.send_signal(signal.SIGHUP)
        served = "SELECT channels FROM queue_worker WHERE status <> 'draining'"
        self.wait_until(lambda: ("exports",) in self.query(served), "the new settings hold")

    def test_a_supervisor_that_hangs_is_killed_and_replaced(self):
        worker = self.start_worker("--stale-after-seconds", "2", "--heartbeat-interval-seconds", "0.5")
        hung = self.supervisor(worker)
        hung.suspend()
        self.wait_until(lambda: "hangs and is killed" in worker.log.read_text(), "it is killed")
        job_id = self.enqueue_act("afterwards")
        self.wait_for_state(job_id, "done")

    def test_the_worker_as_a_class_runs_until_another_thread_stops_it(self):
        job_id = self.enqueue_act("by the class")
        code = f"""
import sys, threading, time
from odoo.tools import config
config.parse_config(["-c", {str(self.conf)!r}, "--no-http"], setup_logging=True)
from odoo.addons.job_worker.cli.worker import QueueWorker
import psycopg2
from odoo import sql_db

worker = QueueWorker([{self.db_name!r}], concurrency=1)

def stop_when_done():
    connection = psycopg2.connect(**sql_db.connection_info_for({self.db_name!r})[1])
    connection.autocommit = True
    cursor = connection.cursor()
    while True:
        cursor.execute("SELECT state FROM queue_job WHERE id = %s", [{job_id}])
        if cursor.fetchone() == ("done",):
            return worker.stop()
        time.sleep(0.05)

threading.Thread(target=stop_when_done).start()
sys.exit(worker.run())
"""
        ended = subprocess.run(
            [sys.executable, "-c", code],
            env=self.environment(),
            timeout=60,
            capture_output=True,
            text=True,
            check=False,
        )
        self.assertEqual(ended.returncode, 0, ended.stderr)

    def test_a_worker_whose_manager_is_killed_leaves_no_process(self):
        worker = self.start_worker()
        family = worker.children(recursive=True)
        os.kill(worker.pid, signal.SIGKILL)
        worker.wait()
        self.wait_until(lambda: not any(process.is_running() for process in family), "all are gone")


def receive_all(notify):
    """All datagrams that have come."""
    messages = []
    while True:
        try:
            messages.append(notify.recv(4096).decode())
        except BlockingIOError:
            return messages
