"""`dev/test`: the test suite in the sandbox, beside a running demo if there is one."""

import os
import shlex
import sys

from . import server as servers
from .errors import Interrupted, SandboxError, ignore_signals
from .paths import REPOSITORY
from .prepare import prepare
from .processes import Processes

_GRACE_SECONDS = 30


def main(sandbox, console, tags, *, configuration):
    """Returns the suite's exit code."""
    processes = Processes(sandbox)
    name = f"test-{os.getpid()}"
    server = None
    try:
        server = prepare(sandbox, console, configuration)
        suite = processes.start(
            name,
            _command(sandbox, tags),
            inherit_output=True,
            env=servers.odoo_environment(server),
        )
        return _exit_code(suite.wait())
    except Interrupted as interruption:
        return interruption.exit_code
    except SandboxError as error:
        console.fail(error)
        return error.exit_code
    finally:
        ignore_signals()
        processes.stop(name, _GRACE_SECONDS)
        if server:
            server.stop()


def _command(sandbox, tags):
    odoo = shlex.join([str(sandbox.python), "-m", "odoo"])
    conf = shlex.join(["-c", str(sandbox.conf)])
    return [sys.executable, REPOSITORY / "docker" / "suite.py", "--odoo", odoo, "--db-args", conf, *tags]


def _exit_code(code):
    """As a shell tells it: 128 + the signal that ended the suite."""
    return code if code >= 0 else 128 - code
