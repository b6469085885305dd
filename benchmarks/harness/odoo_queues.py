"""Queues of Odoo: ours, and OCA's queue_job."""

from sandbox import commands, server as servers
from sandbox.errors import SandboxError
from sandbox.paths import REPOSITORY, remove
from sandbox.services import free_port

from . import peer
from .queues import EXECUTORS, Queue

_BENCHMARKS = REPOSITORY / "benchmarks"
_INSTALL_SECONDS = 1200
_FIRST_PORT = 8169
_LIMIT = 2  # of the limited channel


class OdooQueue(Queue):
    """What both have in common: an Odoo database, and a table queue_job with a state."""

    module = distribution = None
    tables = ("queue_job",)
    executors_are_processes = True
    more_modules = ()

    def addons_path(self):
        raise NotImplementedError

    def make(self, console):
        self.remove()
        modules = ",".join([self.module, *self.more_modules, "queue_bench"])
        with console.step(f"Making a database with {self.title}"):
            commands.run(
                self.odoo_argv("-i", modules, "--stop-after-init", "--no-http"),
                what=f"Odoo's installation of {modules}",
                log=self._sandbox.logs / f"benchmark-install-{self.key}.log",
                timeout=_INSTALL_SECONDS,
                env=self.environment(),
            )

    def remove(self):
        super().remove()
        remove(self._sandbox.data / "filestore" / self.database)

    def odoo_argv(self, *arguments):
        return [self._sandbox.python, "-m", "odoo", *self.odoo_options(), *arguments]

    def odoo_options(self):
        path = f"{self.addons_path()},{_BENCHMARKS / 'addons'}"
        return ["-c", self._sandbox.conf, "-d", self.database, "--addons-path", path]

    def agent_argv(self):
        return [self._sandbox.python, _BENCHMARKS / "inside" / "agent.py", self.module, *self.odoo_options()]

    def environment(self):
        return servers.odoo_environment(self._server)

    def version(self):
        return self.about()["version"]

    def about(self):
        return self.agent.call("about", module=self.module, distribution=self.distribution)

    def mark(self):
        ((last,),) = self.execute("SELECT last_value - (NOT is_called)::int FROM queue_job_id_seq")
        return last

    def left(self, mark, jobs):
        ended = "('done', 'failed', 'cancelled')"
        query = f"SELECT count(*) FROM queue_job WHERE id > %s AND id <= %s AND state NOT IN {ended}"
        ((left,),) = self.execute(query, [mark, mark + jobs])
        # Before the commit that stored them there is nothing to see.
        return left or jobs - self._stored(mark, jobs)

    def _stored(self, mark, jobs):
        query = "SELECT count(*) FROM queue_job WHERE id > %s AND id <= %s"
        return self.execute(query, [mark, mark + jobs])[0][0]

    def span(self, mark, jobs):
        query = f"""SELECT count(*), EXTRACT(EPOCH FROM max({self.completed}) - min({self.started}))::float8
                      FROM queue_job WHERE id > %s AND id <= %s AND state = 'done'"""
        ((done, seconds),) = self.execute(query, [mark, mark + jobs])
        return done, seconds


class JobWorker(OdooQueue):
    key, title = "ours", "job_worker"
    module = "job_worker"
    can = frozenset({"enqueue one by one", "chain", "fan-in", "limit", "backlog", "batch"})
    started, completed = "started_at", "completed_at"
    channel = "bench"

    def addons_path(self):
        return REPOSITORY

    def worker_argv(self):
        return [self._sandbox.python, REPOSITORY / "run_worker.py", *self.odoo_options(), "--concurrency", EXECUTORS]

    def limit(self):
        """Limit a channel; returns why that can't be, or None."""
        return self.agent.call("limit", channel=self.channel, limit=_LIMIT)


class FullJobWorker(JobWorker):
    """Ours with finished jobs, which stay while the jobs of a measurement come and go."""

    key, title = "full", "job_worker, full"

    def fill(self, jobs):
        """Copy the one finished job that there is until there are `jobs`."""
        columns = [name for (name,) in self.execute(_COLUMNS)]
        values = [_COPIED.get(name, f'job."{name}"') for name in columns]
        names = ", ".join(f'"{name}"' for name in columns)
        self.execute(
            f"INSERT INTO queue_job ({names}) SELECT {', '.join(values)}"
            " FROM (SELECT * FROM queue_job WHERE state = 'done' LIMIT 1) job, generate_series(2, %s) number",
            [jobs],
        )
        self._filled = self.mark()
        ((there,),) = self.execute("SELECT count(*) FROM queue_job WHERE state = 'done'")
        if there != jobs:
            raise SandboxError(f"The history has {there} finished jobs instead of {jobs}.")

    def clear(self):
        self.execute("DELETE FROM queue_job WHERE id > %s", [self._filled])
        self.execute("VACUUM queue_job")
        self.settle()


class OcaQueueJob(OdooQueue):
    key, title = "oca", "OCA queue_job"
    module, distribution = peer.MODULE, peer.DISTRIBUTION
    share = 0.1
    can = frozenset({"enqueue one by one", "chain", "fan-in", "limit"})
    started, completed = "date_started", "date_done"  # set by its processes, on the machine of the server
    channel = "root.bench"

    def __init__(self, sandbox, server, library):
        self._library = library
        self.more_modules = tuple(name for name in peer.dependencies(library) if name not in ("base", "web"))
        self._port = free_port(_FIRST_PORT)
        super().__init__(sandbox, server)

    def addons_path(self):
        return peer.addons_path(self._library)

    def worker_argv(self):
        options = ["--load=base,web,queue_job", "--workers", EXECUTORS, "--max-cron-threads", 0]
        ports = ["--http-port", self._port, "--gevent-port", free_port(self._port + 1)]
        program = _BENCHMARKS / "peers" / "odoo_server.py"
        return [self._sandbox.python, program, *self.odoo_options(), *options, *ports]

    def environment(self):
        return {
            **super().environment(),
            "PYTHONPATH": str(self._library),
            "ODOO_QUEUE_JOB_CHANNELS": f"root:{EXECUTORS},root.bench:{_LIMIT}",
            "ODOO_QUEUE_JOB_HOST": "127.0.0.1",
            "ODOO_QUEUE_JOB_PORT": str(self._port),
        }

    def limit(self):
        """Its channels are configured when it starts."""


_COLUMNS = """
    SELECT column_name FROM information_schema.columns
     WHERE table_schema = current_schema() AND table_name = 'queue_job' AND column_name <> 'id'
"""
_COPIED = {
    "uuid": "gen_random_uuid()::text",
    "completed_at": "job.completed_at - number * interval '1 second'",
    "started_at": "job.started_at - number * interval '1 second'",
}
