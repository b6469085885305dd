"""The Odoo and the worker of a demo."""

import json
import shlex
import socket
import time
import urllib.error
import urllib.request

from . import commands, server as servers
from .errors import SandboxError
from .paths import REPOSITORY, SCRIPTS

ODOO_GRACE_SECONDS = 10
WORKER_GRACE_SECONDS = 20
_ANSWER_SECONDS = 120
_POLL_SECONDS = 0.3
_FIRST_PORT = 8069
_RESULT = "SANDBOX-RESULT:"


class Services:
    """Starts both on one database and tells whether they live."""

    def __init__(self, sandbox, server, database, processes):
        self._sandbox = sandbox
        self._processes = processes
        self._environment = servers.odoo_environment(server)
        self._database_options = ["-c", sandbox.conf, "-d", database]
        self._database = database
        self._port = None

    @property
    def url(self):
        return f"http://127.0.0.1:{self._port}"

    @property
    def worker_command(self):
        """What a person could type to run the same."""
        return shlex.join(str(part) for part in self._worker_argv())

    def start(self, console):
        """Returns when Odoo answers and both are alive."""
        self._port = free_port(_FIRST_PORT)
        with console.step(f"Starting Odoo at {self.url} and the worker"):
            self._processes.start("odoo", self._odoo_argv(), env=self._environment)
            self._processes.start("worker", self._worker_argv(), env=self._environment)
            self._wait_for_answer()

    def require_running(self):
        """Fail if one of them has ended."""
        self._processes.require_running("odoo", "worker")

    def enqueue_samples(self, console):
        """Let the demo module enqueue its jobs; returns [{id, state, attempts}] as they should end."""
        with console.step("Enqueueing sample jobs"):
            source = (SCRIPTS / "enqueue_samples.py").read_text()
            return self.run_script(source, "Enqueueing sample jobs", "samples.log")

    def run_script(self, source, what, log_name, timeout=120):
        """Run a script in Odoo's shell; returns what it printed for us."""
        log = self._sandbox.logs / log_name
        commands.run(
            [self._sandbox.python, "-m", "odoo", "shell", *self._database_options, "--no-http"],
            what=what,
            log=log,
            timeout=timeout,
            env=self._environment,
            input=source,
        )
        return _result(log, what)

    def _odoo_argv(self):
        options = ["--http-port", self._port, "--db-filter", f"^{self._database}$"]
        return [self._sandbox.python, "-m", "odoo", *self._database_options, *options]

    def _worker_argv(self):
        return [self._sandbox.python, REPOSITORY / "run_worker.py", *self._database_options]

    def _wait_for_answer(self):
        deadline = time.monotonic() + _ANSWER_SECONDS
        while not self._answers():
            self.require_running()
            if time.monotonic() > deadline:
                raise SandboxError(
                    f"Odoo didn't answer at {self.url}/web/login within {_ANSWER_SECONDS} s.",
                    log=self._processes.log("odoo"),
                )
            time.sleep(_POLL_SECONDS)

    def _answers(self):
        try:
            with _opener.open(f"{self.url}/web/login", timeout=30) as response:
                return response.status == 200
        except (urllib.error.URLError, OSError):
            return False


def free_port(first):
    """The first port from `first` that nobody listens on at 127.0.0.1."""
    for port in range(first, first + 100):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
                return port
            except OSError:
                continue
    raise SandboxError(f"Ports {first} to {first + 99} are all taken.", remedy="free one of them")


def _result(log, what):
    """The line that a script in scripts/ printed for us, among what Odoo logs."""
    for line in log.read_text().splitlines():
        if line.startswith(_RESULT):
            return json.loads(line[len(_RESULT) :])
    raise SandboxError(f"{what} gave no result.", log=log)


_opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # a proxy can't reach 127.0.0.1 here
