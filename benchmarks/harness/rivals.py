"""Queues on PostgreSQL without an ORM: procrastinate, PgQueuer, Graphile Worker."""

import json
import re
import shutil
from pathlib import Path

from sandbox import commands, venv
from sandbox.errors import SandboxError
from sandbox.paths import remove

from . import sql
from .peer import Unavailable
from .queues import EXECUTORS, Queue

_BENCHMARKS = Path(__file__).resolve().parents[1]
_NPM_SECONDS = 600


class Rival(Queue):
    """Its jobs write to a table `bench_record`; enqueueing one by one commits each."""

    def make(self, console):
        self.remove()
        with console.step(f"Making a database with {self.title}"):
            admin = sql.connect(sql.connection_options(self._server, "postgres"))
            try:
                sql.execute(admin, f'CREATE DATABASE "{self.database}"')
            finally:
                admin.close()
            self.agent.call("install")

    def environment(self):
        return commands.environment(BENCHMARK_DATABASE=json.dumps(self.options))

    def version(self):
        raise NotImplementedError


class PythonRival(Rival):
    """Installed by pip into an environment of its own."""

    distribution = program = None

    def __init__(self, sandbox, server, target):
        self._target = target
        super().__init__(sandbox, server)

    @classmethod
    def install(cls, sandbox, console):
        """Returns where it is; raises :class:`.peer.Unavailable`."""
        target = sandbox.root / "peers" / cls.key
        target.parent.mkdir(exist_ok=True)
        try:
            venv.ensure(sandbox, target, _BENCHMARKS / f"requirements-{cls.key}.txt", console)
        except SandboxError as error:
            raise Unavailable(f"{error} See {error.log}.") from error
        return target

    def agent_argv(self):
        return [self._target / "bin" / "python", _BENCHMARKS / "peers" / self.program, "agent"]

    def worker_argv(self):
        return [self._target / "bin" / "python", _BENCHMARKS / "peers" / self.program, "worker", EXECUTORS]

    def version(self):
        requirements = (_BENCHMARKS / f"requirements-{self.key}.txt").read_text()
        return re.search(rf"^{self.key}==(.+)$", requirements, re.MULTILINE)[1]


class Procrastinate(PythonRival):
    key, title, program = "procrastinate", "procrastinate", "procrastinate_peer.py"
    share = 0.4
    tables = ("procrastinate_jobs", "procrastinate_events")

    def mark(self):
        ((last,),) = self.execute("SELECT last_value - (NOT is_called)::int FROM procrastinate_jobs_id_seq")
        return last

    def left(self, mark, jobs):
        query = """SELECT count(*) FROM procrastinate_jobs
                    WHERE id > %s AND id <= %s AND status IN ('succeeded', 'failed')"""
        return jobs - self.execute(query, [mark, mark + jobs])[0][0]

    def span(self, mark, jobs):
        query = """SELECT count(*) FILTER (WHERE type = 'succeeded'),
                          EXTRACT(EPOCH FROM max(at) FILTER (WHERE type = 'succeeded')
                                           - min(at) FILTER (WHERE type = 'started'))::float8
                     FROM procrastinate_events WHERE job_id > %s AND job_id <= %s"""
        return self.execute(query, [mark, mark + jobs])[0]


class _Polled(Rival):
    """It deletes jobs that have ended, so their number is looked at every 20 ms."""

    poll_seconds = 0.02
    count = None

    def left(self, mark, jobs):
        return self.execute(self.count)[0][0]



class PgQueuer(_Polled, PythonRival):
    key, title, program = "pgqueuer", "PgQueuer", "pgqueuer_peer.py"
    tables = ("pgqueuer", "pgqueuer_log")
    count = "SELECT count(*) FROM pgqueuer"


class Graphile(_Polled):
    key, title = "graphile", "Graphile Worker"
    tables = ("graphile_worker._private_jobs",)
    count = "SELECT count(*) FROM graphile_worker._private_jobs"

    def __init__(self, sandbox, server, target):
        self._target = target
        super().__init__(sandbox, server)

    @classmethod
    def install(cls, sandbox, console):
        """Returns where it is; raises :class:`.peer.Unavailable`."""
        for program in ("node", "npm"):
            if not shutil.which(program):
                raise Unavailable(f"it needs {program}, which is not installed")
        target = sandbox.root / "peers" / cls.key
        source = _BENCHMARKS / "peers" / "graphile"
        if not _is_installed(target, source):
            cls._npm_install(sandbox, console, target, source)
        shutil.copy(source / "peer.mjs", target)
        return target

    @classmethod
    def _npm_install(cls, sandbox, console, target, source):
        remove(target)
        target.mkdir(parents=True)
        shutil.copy(source / "package.json", target)
        npm = ["npm", "install", "--no-audit", "--no-fund", "--ignore-scripts", "--no-package-lock"]
        log = sandbox.logs / "benchmark-npm.log"
        try:
            with console.step("Installing graphile-worker"):
                commands.run(npm, what="npm install", log=log, timeout=_NPM_SECONDS, cwd=target)
        except SandboxError as error:
            remove(target)
            raise Unavailable(f"{error} See {log}.") from error

    def agent_argv(self):
        return ["node", self._target / "peer.mjs", "agent"]

    def worker_argv(self):
        return ["node", self._target / "peer.mjs", "worker", EXECUTORS]

    def version(self):
        return json.loads((self._target / "package.json").read_text())["dependencies"]["graphile-worker"]


def _is_installed(target, source):
    package = target / "package.json"
    return package.exists() and package.read_text() == (source / "package.json").read_text()
