"""Real databases, real processes: nothing here runs in the test's own transaction."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path

import psutil
import psycopg2

from odoo import SUPERUSER_ID, api, sql_db
from odoo.modules.registry import Registry
from odoo.tests.common import BaseCase, get_db_name
from odoo.tools import config

import odoo.addons.job_worker
from odoo.addons.job_worker.engine.notifier import CHANNEL

REPOSITORY = Path(odoo.addons.job_worker.__path__[0]).parent
RUN_WORKER = REPOSITORY / "run_worker.py"
PATIENCE_SECONDS = 60


class ProcessCase(BaseCase):
    """Runs programs beside Odoo on the test's own database server."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.db_name = get_db_name()
        cls.directory = Path(tempfile.mkdtemp(prefix="job_worker_test_"))
        cls.addClassCleanup(shutil.rmtree, cls.directory)
        cls.conf = cls.write_conf("odoo.conf")

    @classmethod
    def write_conf(cls, name, **overrides):
        """Write an Odoo configuration like this server's own; return its path."""
        options = {key: config[key] for key in ("db_host", "db_port", "db_user", "db_password", "data_dir")}
        options["addons_path"] = ",".join(config["addons_path"])
        options.update(overrides)
        path = cls.directory / name
        path.write_text("[options]\n" + "".join(f"{key} = {value}\n" for key, value in options.items() if value))
        return path

    @classmethod
    def environment(cls, **extra):
        """The environment of a child process: it imports the same Odoo as this one."""
        paths = [str(Path(odoo.__path__[0]).parent), os.environ.get("PYTHONPATH", "")]
        return {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, paths)), **extra}

    @classmethod
    def run_program(cls, *command, stdin="", **extra_environment):
        """Run a Python program to its end; return the completed process, its output as text."""
        return subprocess.run(
            [sys.executable, *map(str, command)],
            env=cls.environment(**extra_environment),
            capture_output=True,
            text=True,
            timeout=300,
            input=stdin,
            check=False,
        )

    def explain(self):
        """What a failed wait should show besides."""
        return ""

    def wait_until(self, condition, what, seconds=PATIENCE_SECONDS):
        """Return the first true value of ``condition()``; fail when it stays false."""
        deadline = time.monotonic() + seconds
        while not (value := condition()):
            if time.monotonic() > deadline:
                self.fail(f"Waited {seconds} s in vain until {what}{self.explain()}")
            time.sleep(0.02)
        return value


class WorkerCase(ProcessCase):
    """Starts ``run_worker.py`` against the test database and looks at it from outside."""

    def setUp(self):
        super().setUp()
        self.workers = []
        self.addCleanup(self._clean)

    def start_worker(self, *options, databases=None, environment=None, prefix=()):
        """Start a worker; return its ``psutil.Popen`` once it is registered in the test database.

        :param list databases: names to serve; the test database by default
        :param prefix: begin of the command, such as that of a network namespace
        """
        databases = databases or [self.db_name]
        log = self.directory / f"worker-{len(self.workers)}-{self._testMethodName}.log"
        with log.open("w") as output:
            worker = psutil.Popen(
                [
                    *prefix,
                    sys.executable,
                    RUN_WORKER,
                    "-c",
                    self.conf,
                    "-d",
                    ",".join(databases),
                    "--concurrency",
                    "2",
                    *options,
                ],
                env=self.environment(**(environment or {})),
                stdout=output,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
            )
        worker.log = log
        self.workers.append(worker)

        def registered():
            self.assertIsNone(worker.poll(), f"The worker ended:\n{log.read_text()}")
            pids = [child.pid for child in worker.children()]
            return self.query("SELECT 1 FROM queue_worker WHERE pid = ANY(%s)", pids)

        if self.db_name in databases:
            self.wait_until(registered, "the worker is registered")
        return worker

    def explain(self):
        return "".join(
            f"\n--- {describe_family(worker)}, log:\n{worker.log.read_text()[-3000:]}" for worker in self.workers
        )

    def supervisor(self, worker):
        """The process of ``worker`` that serves the test database."""
        pids = [pid for (pid,) in self.query("SELECT pid FROM queue_worker")]
        return next(child for child in worker.children() if child.pid in pids)

    def executors(self, worker):
        return self.supervisor(worker).children()

    @contextmanager
    def committed(self):
        """An environment whose changes are committed at the end of the block."""
        with Registry(self.db_name).cursor() as cr:
            yield self.environment_of(cr)

    def environment_of(self, cr):
        return api.Environment(cr, SUPERUSER_ID, {})

    def enqueue_act(self, name, fate="done", seconds=0.0, **options):
        """Enqueue ``queue.test.ledger.act`` and commit; return the id of the job."""
        with self.committed() as env:
            return env["queue.test.ledger"].with_delay(**options).act(name, fate, seconds).id

    def insert_jobs(self, model_name, method_name, calls, max_retries=0):
        """Insert a job for each list of arguments, also for models that this process doesn't know."""
        payloads = [json.dumps({"ids": [], "args": args, "kwargs": {}, "context": {}, "su": True}) for args in calls]
        self.query(
            """INSERT INTO queue_job (uuid, name, state, model_name, method_name, payload, user_id, channel, priority,
                                      max_retries, retry_pattern, attempts, scheduled, create_date, write_date)
               SELECT gen_random_uuid(), %s, 'pending', %s, %s, payload, 1, 'root', 10,
                      %s, '{"1": 0}', 0, FALSE, now() AT TIME ZONE 'UTC', now() AT TIME ZONE 'UTC'
                 FROM unnest(%s) AS payload""",
            f"{model_name}.{method_name}",
            model_name,
            method_name,
            max_retries,
            payloads,
        )
        self.query(f"NOTIFY {CHANNEL}")

    def query(self, sql, *params):
        """Run one statement in a transaction of its own; return its rows."""
        with sql_db.db_connect(self.db_name).cursor() as cr:
            cr.execute(sql, params)
            return cr.fetchall() if cr.description else None

    def job(self, job_id, *columns):
        """The values of some columns of a job, as they stand now."""
        ((*values,),) = self.query(f"SELECT {', '.join(columns)} FROM queue_job WHERE id = %s", job_id)
        return tuple(values) if len(values) > 1 else values[0]

    def wait_for_state(self, job_id, state):
        self.wait_until(lambda: self.job(job_id, "state") == state, f"job {job_id} is {state}")

    def ledger(self, name):
        """Process ids that left a row called ``name`` in the ledger."""
        return [pid for (pid,) in self.query("SELECT pid FROM queue_test_ledger WHERE name = %s", name)]

    def _clean(self):
        for worker in self.workers:
            family = worker.children(recursive=True) if worker.poll() is None else []
            if worker.poll() is None:
                worker.kill()
            worker.wait()
            psutil.wait_procs(family, timeout=10)
        self.query("DELETE FROM queue_job")
        self.query("DELETE FROM queue_worker")
        self.query("DELETE FROM queue_test_ledger")


def query_once(connection_info, sql, params=()):
    """Run one statement, committed, without a connection left behind; return its rows, None when it gives none.

    :param dict connection_info: keyword arguments of ``psycopg2.connect``
    """
    connection = psycopg2.connect(**connection_info)
    connection.autocommit = True
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        rows = cursor.fetchall() if cursor.description else None
    connection.close()
    return rows


def describe_family(worker):
    """The processes of a worker, in words."""
    if worker.poll() is not None:
        return f"worker {worker.pid} ended with {worker.poll()}"
    members = [f"{child.pid} of {child.ppid()} ({child.status()})" for child in worker.children(recursive=True)]
    return f"worker {worker.pid} with {', '.join(members) or 'no process'}"
