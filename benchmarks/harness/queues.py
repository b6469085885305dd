"""The queues under measurement: each has a database of its own, an agent that enqueues and a worker."""

import re
import time
from contextlib import contextmanager

from sandbox import database, postgres, server as servers
from sandbox.errors import SandboxError
from sandbox.processes import Processes

from . import sql
from .agent import Agent

EXECUTORS = 4
_STUCK_SECONDS = 60  # longer than a worker takes to start
_STOP_SECONDS = 30


# The begin of a statement in a message; what a text in it says is none.
_STATEMENT = re.compile(r"^(?!BEGIN|COMMIT|ROLLBACK)\S|; (?!BEGIN|COMMIT|ROLLBACK)[A-Z]{2,}\b")


class Queue:
    """One product. Subclasses say how it is installed, started and asked.

    Class attributes: `key` and `title`; `share`, the part of the jobs that it gets, for a rate needs no more;
    `can`, what it knows beyond plain jobs; `poll_seconds`, how often it is looked whether all jobs have ended;
    `tables`, which are emptied before a measurement.
    """

    key = title = None
    share = 1.0
    can = frozenset()
    poll_seconds = 0.1
    tables = ()
    executors_are_processes = False

    def __init__(self, sandbox, server):
        self._sandbox = sandbox
        self._server = server
        self.database = f"{servers.database_name(sandbox, server)}_benchmark_{self.key}"
        self._processes = Processes(sandbox)
        self._worker = f"benchmark-worker-{self.key}"
        self._connection = None
        self.agent = Agent(self.agent_argv(), self.environment(), sandbox.logs / f"benchmark-agent-{self.key}.log")
        self.worker_pid = None

    # -- what subclasses say --

    def agent_argv(self):
        raise NotImplementedError

    def worker_argv(self):
        raise NotImplementedError

    def environment(self):
        raise NotImplementedError

    def make(self, console):
        """Make the database and install the product."""
        raise NotImplementedError

    def version(self):
        raise NotImplementedError

    def mark(self):
        """What tells the jobs that are enqueued next from those before."""

    def left(self, mark, jobs):
        """How many of the first `jobs` jobs after `mark` have not ended."""
        raise NotImplementedError

    def span(self, mark, jobs):
        """`(jobs done, seconds)` by the database's clock; None when the queue keeps no times."""

    # -- what they share --

    @property
    def options(self):
        """libpq's options of the database."""
        return sql.connection_options(self._server, self.database)

    def execute(self, statement, parameters=None):
        """Run a statement by itself; returns its rows."""
        if self._connection is None:
            self._connection = sql.connect(self.options)
        return sql.execute(self._connection, statement, parameters)

    def as_admin(self, statement):
        """Run a statement that Odoo's role may not; False on a server where we can't."""
        if not self._server.is_ours:
            return False
        connection = sql.connect({**self.options, "user": postgres.ADMIN})
        try:
            sql.execute(connection, statement)
        finally:
            connection.close()
        return True

    def clear(self):
        """Leave nothing of what was before."""
        self.execute(f"TRUNCATE {', '.join(self.tables)} CASCADE")
        self.settle()

    def settle(self):
        """Fresh statistics and no dirty pages, so that no measurement pays for another."""
        self.execute("ANALYZE")
        self.as_admin("CHECKPOINT")

    def stamp_file(self):
        """Where jobs that tell when they began write that."""
        return self._sandbox.run / f"benchmark-stamps-{self.key}"

    @property
    def can_log_statements(self):
        return self._server.is_ours

    @contextmanager
    def logged_statements(self):
        """Let the server log what sessions send that begin from now on."""
        self.as_admin(f'ALTER DATABASE "{self.database}" SET log_statement = \'all\'')
        try:
            yield
        finally:
            self.as_admin(f'ALTER DATABASE "{self.database}" RESET log_statement')

    def count_statements(self):
        """Those in the server's log, several ones of a message too; what begins or ends a transaction is none."""
        begin = re.compile(rf" {re.escape(self.database)} LOG:  (?:statement|execute [^:]*): (.*)")
        with self._server.log.open(errors="replace") as log:
            messages = filter(None, map(begin.search, log))
            return sum(len(_STATEMENT.findall(message[1])) for message in messages)

    @contextmanager
    def worker(self):
        """Run the worker."""
        self.worker_pid = self._processes.start(self._worker, self.worker_argv(), env=self.environment()).pid
        try:
            yield
        finally:
            self._processes.stop(self._worker, _STOP_SECONDS)
            self.worker_pid = None

    def wait(self, mark, jobs):
        """Wait until `jobs` jobs after `mark` have ended; returns when the first was seen ended, and the last.

        Both on the monotonic clock, `poll_seconds` exact.
        """
        first = last = moved = time.monotonic()
        before = jobs
        while left := self.left(mark, jobs):
            now = time.monotonic()
            first = now if left == jobs else first
            before, moved = (left, now) if left != before else (before, moved)
            if now - moved > _STUCK_SECONDS:
                raise SandboxError(f"{self.title}: {left} of {jobs} jobs are left, and none ends any more.",
                                   log=self._processes.log(self._worker))  # fmt: skip
            self._processes.require_running(self._worker)
            time.sleep(self.poll_seconds)
        last = time.monotonic()
        return first, last

    def warm_up(self, jobs=40):
        """Let a running worker show that it works, and each of its executors do its first jobs."""
        mark = self.mark()
        self.agent.call("enqueue", kind="noop", jobs=jobs)
        self.wait(mark, jobs)

    def remove(self):
        """Drop what was made."""
        self.agent.stop()
        if self._connection is not None:
            self._connection.close()
            self._connection = None
        database.run_script(self._sandbox, self._sandbox.conf, "drop", self.database)
