"""Where everything lies. Nothing is written outside of the sandbox, except by sandbox/postgres_home.py."""

import fcntl
import os
import shutil
from contextlib import contextmanager
from pathlib import Path

from .errors import SandboxError

REPOSITORY = Path(__file__).resolve().parents[2]
DEV = REPOSITORY / "dev"
SCRIPTS = DEV / "sandbox" / "scripts"
MODULES = ("job_worker", "job_worker_demo", "job_worker_monitor")


class Sandbox:
    """The directories and files of one sandbox."""

    def __init__(self, root):
        self.root = Path(root)
        self.venv = self.root / "venv"
        self.lint_venv = self.root / "lint"
        self.odoo = self.root / "odoo"
        self.postgres = self.root / "postgres"
        self.postgres_record = self.root / "postgres.json"
        self.data = self.root / "data"
        self.databases = self.root / "databases"
        self.logs = self.root / "logs"
        self.run = self.root / "run"
        self.conf = self.root / "odoo.conf"
        self.marker = self.root / "job_worker_sandbox"

    @classmethod
    def from_environment(cls):
        """`JOB_WORKER_SANDBOX`, or `.sandbox` in the checkout."""
        return cls(os.path.abspath(os.environ.get("JOB_WORKER_SANDBOX") or REPOSITORY / ".sandbox"))

    @property
    def python(self):
        """The interpreter that has Odoo and its libraries."""
        return self.venv / "bin" / "python"

    def make(self):
        """Create the directories; refuse a place that holds something else, as `--purge` would remove it."""
        if not self.exists() and self.root.exists() and any(self.root.iterdir()):
            raise SandboxError(
                f"{self.root} is not empty and not a sandbox of job_worker.",
                remedy="point JOB_WORKER_SANDBOX to a new directory",
            )
        try:
            for directory in (self.odoo, self.data, self.databases, self.logs, self.run):
                directory.mkdir(parents=True, exist_ok=True)
            self._forget_another_place()
            self.marker.write_text(str(self.root))
        except OSError as error:
            raise SandboxError(
                f"The sandbox can't be made in {self.root}: {error.strerror} ({error.filename}).",
                remedy="make the directory writable, or point JOB_WORKER_SANDBOX to one that is",
            ) from error

    def exists(self):
        return self.marker.exists()

    def is_at_home(self):
        """False in a copy of another sandbox: what it records then belongs to that one."""
        return self.marker.read_text() == str(self.root)

    def _forget_another_place(self):
        """A copied sandbox must not stop the processes or remove the server of the original."""
        if self.exists() and not self.is_at_home():
            for path in (self.run, self.databases, self.postgres, self.postgres_record):
                remove(path)
            self.run.mkdir()
            self.databases.mkdir()

    @contextmanager
    def building(self, target):
        """Yield a temporary path that becomes `target` at the end: what is half-finished never counts."""
        unfinished = target.with_name(target.name + ".unfinished")
        remove(unfinished)
        yield unfinished
        remove(target)
        unfinished.rename(target)

    @contextmanager
    def lock(self, name, wait_message=None):
        """Hold `name` exclusively; `wait_message()` is called when another process has it."""
        with (self.run / f"{name}.lock").open("w") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if wait_message:
                    wait_message()
                fcntl.flock(file, fcntl.LOCK_EX)
            yield


def remove(path):
    """Remove a file, link or tree if there is one."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def write_private(path, text):
    """Write a file that may hold a password: readable by its owner alone, and never half-written."""
    unfinished = path.with_name(path.name + ".unfinished")
    unfinished.unlink(missing_ok=True)
    descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
    unfinished.rename(path)
