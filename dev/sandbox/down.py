"""`dev/down`: stops what an earlier start left; `--purge` also removes the sandbox."""

from . import database
from .paths import remove
from .postgres import EmbeddedPostgres
from .processes import Processes

_FRONT_END_GRACE_SECONDS = 60  # a demo or a test run that lives stops its own processes in this time
_GRACE_SECONDS = 20


def main(sandbox, console, *, purge):
    """Returns the exit code."""
    if not sandbox.exists():
        console.say(f"No sandbox in {sandbox.root}.")
        return 0
    if sandbox.is_at_home():
        _stop_everything(sandbox, console, purge=purge)
    if purge:
        remove(sandbox.root)
        console.say(f"Removed {sandbox.root}.")
    return 0


def _stop_everything(sandbox, console, *, purge):
    stopped = _stop_processes(sandbox)
    if purge:
        database.drop_foreign(sandbox, console)
    postgres = EmbeddedPostgres(sandbox)
    if postgres.stop_for_everybody():
        stopped.append("postgres")
    if purge:
        postgres.remove()
    console.say(f"Stopped {', '.join(stopped)}." if stopped else "Nothing was running.")


def _stop_processes(sandbox):
    """Front ends first: they stop what they started, in their order."""
    processes = Processes(sandbox)
    names = sorted(processes.recorded(), key=lambda name: name in ("odoo", "worker"))
    stopped = []
    for name in names:
        grace = _GRACE_SECONDS if name in ("odoo", "worker") else _FRONT_END_GRACE_SECONDS
        if processes.stop(name, grace):
            stopped.append(name)
    return stopped
