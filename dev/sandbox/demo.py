"""`dev/demo`: Odoo and the worker, with sample jobs to look at."""

import os

from . import check, login
from .database import Database
from .errors import Interrupted, SandboxError, ignore_signals
from .jobs import Jobs
from .prepare import prepare
from .processes import Processes
from .services import ODOO_GRACE_SECONDS, WORKER_GRACE_SECONDS, Services


def main(sandbox, console, *, check_only, configuration):
    """Run the demo until Ctrl-C, or the check to its end; returns the exit code."""
    demo = Demo(sandbox, console, configuration)
    try:
        demo.claim_sandbox()
        demo.start()
        return demo.check() if check_only else demo.follow()
    except Interrupted as interruption:
        console.say(f"\nStopping ({interruption}) ...")
        return 0 if demo.is_up and interruption.is_keyboard else interruption.exit_code
    except SandboxError as error:
        console.fail(error)
        return error.exit_code
    finally:
        ignore_signals()
        demo.stop()


class Demo:
    """One run: what it started, so that it can stop it."""

    def __init__(self, sandbox, console, configuration):
        self.is_up = False
        self._sandbox = sandbox
        self._console = console
        self._configuration = configuration
        self._processes = Processes(sandbox)
        self._claimed = False
        self._server = None

    def claim_sandbox(self):
        """One demo at a time; what a killed one left is stopped first."""
        self._sandbox.make()
        with self._sandbox.lock("claim"):
            if other := self._processes.pid("demo"):
                message = f"A demo already runs in {self._sandbox.root} (process {other})."
                raise SandboxError(message, remedy="stop it with dev/down")
            self._processes.record("demo", os.getpid())
            self._claimed = True
        for name in ("worker", "odoo"):
            if self._processes.stop(name, ODOO_GRACE_SECONDS):
                self._console.say(f"  Stopped the {name} that an earlier demo left.")

    def start(self):
        """Everything up to the sample jobs."""
        self._server = prepare(self._sandbox, self._console, self._configuration)
        self._database = Database(self._sandbox, self._server)
        self._database.ensure(self._console)
        self._services = Services(self._sandbox, self._server, self._database.name, self._processes)
        self._services.start(self._console)
        with self._console.step("Logging in as admin"):
            login.check(self._services.url, "admin", "admin")
        self._samples = self._services.enqueue_samples(self._console)

    @property
    def url(self):
        """Where Odoo answers."""
        return self._services.url

    def fill(self, script, timeout):
        """Run a script of `scripts/` in Odoo's shell; returns what it printed for us."""
        return self._services.run_script(script, "Filling the database", "fill.log", timeout)

    def follow(self):
        """Tell what is happening and show jobs as they change, until a signal comes."""
        self.is_up = True
        self._print_what_is_up()
        with self._jobs() as jobs:
            for change in jobs.changes():
                self._console.say(f"  {change}")

    def check(self):
        """Wait for the sample jobs and judge them."""
        with self._jobs() as jobs, self._console.step("Waiting for the sample jobs"):
            ended = check.wait(jobs, self._samples)
        return check.report(self._console, ended, self._samples)

    def stop(self):
        """Stop what was started, the worker first so that its jobs end while Odoo is there."""
        if not self._claimed:
            return
        if self._server:
            with self._console.step("Stopping the worker, Odoo and PostgreSQL"):
                self._processes.stop("worker", WORKER_GRACE_SECONDS)
                self._processes.stop("odoo", ODOO_GRACE_SECONDS)
                self._server.stop()
        self._processes.forget("demo")

    def _jobs(self):
        first = min(sample["id"] for sample in self._samples)
        return Jobs(self._sandbox, self._database.name, first, self._services.require_running)

    def _print_what_is_up(self):
        say = self._console.say
        say(f"""
  Odoo      {self._services.url}   login admin, password admin
  Jobs      menu Queue; its menu Demo has tasks to play with
  Worker    process {self._processes.pid("worker")}, {self._services.worker_command}
  Database  {self._database.name}, {self._server.describe()}
  Logs      {self._sandbox.logs}

  {len(self._samples)} sample jobs are enqueued, and yours will show here too. Ctrl-C stops everything.
""")
