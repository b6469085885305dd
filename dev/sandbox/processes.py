"""Long-running processes: each in a session of its own, known by a file in `.sandbox/run/`.

A recorded process is identified by its id and its start time, so that an id which the system gave
to somebody else since is never signalled.
"""

import contextlib
import json
import os
import signal
import subprocess
import time
from pathlib import Path

from . import commands
from .errors import SandboxError
from .paths import write_private

_POLL_SECONDS = 0.05


class Processes:
    """Starts, watches and stops the processes of a sandbox."""

    def __init__(self, sandbox):
        self._sandbox = sandbox
        self._children = {}

    def start(self, name, argv, *, inherit_output=False, **popen):
        """Start `argv` in the background, its output in `logs/NAME.log`; returns its `Popen`."""
        with self.log(name).open("w") as log:
            output = None if inherit_output else log
            child = subprocess.Popen(
                [str(part) for part in argv],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=None if inherit_output else subprocess.STDOUT,
                start_new_session=True,
                **{"env": commands.environment(), **popen},
            )
        self._children[name] = child
        self.record(name, child.pid)
        return child

    def log(self, name):
        return self._sandbox.logs / f"{name}.log"

    def record(self, name, pid):
        """Remember that `pid` runs under `name`."""
        write_private(self._file(name), json.dumps({"pid": pid, "start": start_time(pid)}))

    def forget(self, name):
        self._file(name).unlink(missing_ok=True)

    def recorded(self):
        """The names on record, whether their processes still live or not."""
        return sorted(file.stem for file in self._sandbox.run.glob("*.json"))

    def pid(self, name):
        """The id of the recorded process if it still is the one that was started, else None."""
        entry = self._entry(name)
        if entry and start_time(entry["pid"]) == entry["start"]:
            return entry["pid"]
        return None

    def require_running(self, *names):
        """Fail, with the end of its log, if one of our children has ended."""
        for name in names:
            code = self._children[name].poll()
            if code is not None:
                raise SandboxError(f"{name} ended by itself (exit code {code}).", log=self.log(name))

    def stop(self, name, grace_seconds):
        """Ask the process to end, then kill it and what is left of its group. True if one was running."""
        entry = self._entry(name)
        if not entry:
            return False
        was_running = self.pid(name) is not None
        if was_running:
            _signal(os.kill, entry["pid"], signal.SIGTERM)
            self._wait(name, grace_seconds)
        if start_time(entry["pid"]) in (entry["start"], None):
            _signal(os.killpg, entry["pid"], signal.SIGKILL)
            self._wait(name, 5)
        self.forget(name)
        return was_running

    def _wait(self, name, seconds):
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if name in self._children:
                self._children[name].poll()
            if self.pid(name) is None:
                return
            time.sleep(_POLL_SECONDS)

    def _entry(self, name):
        try:
            return json.loads(self._file(name).read_text())
        except (FileNotFoundError, ValueError):
            return None

    def _file(self, name):
        return self._sandbox.run / f"{name}.json"


def start_time(pid):
    """A text that tells this process from any other that ever had its id; None if there is none."""
    try:
        state, *fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None if Path("/proc/self/stat").exists() else _start_time_by_ps(pid)
    return None if state in "ZX" else f"{_boot_id()} {fields[18]}"


def _boot_id():
    """Start times count from the boot, so a record must not outlive one."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return "unknown"


def _start_time_by_ps(pid):
    """For systems without /proc."""
    query = ["ps", "-o", "lstart=", "-p", str(pid)]
    found = subprocess.run(query, capture_output=True, text=True, check=False)
    return found.stdout.strip() or None


def _signal(send, pid, signum):
    with contextlib.suppress(ProcessLookupError, PermissionError):  # gone, or somebody else's by now
        send(pid, signum)
