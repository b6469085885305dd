"""What all benchmarks do around the measuring: a sandbox, a server, and an end that cleans up."""

from contextlib import ExitStack

from sandbox.console import Console
from sandbox.errors import Interrupted, SandboxError, ignore_signals, raise_on_signals
from sandbox.paths import Sandbox
from sandbox.prepare import prepare


def run(lock, measure):
    """Call ``measure(sandbox, server, console, cleanup)``; returns the exit code.

    :param str lock: name of the lock that keeps benchmarks apart
    """
    console, sandbox = Console(), Sandbox.from_environment()
    raise_on_signals()
    try:
        with ExitStack() as cleanup:
            try:
                sandbox.make()
                cleanup.enter_context(sandbox.lock(lock, lambda: console.say("  Waiting for another benchmark ...")))
                server = prepare(sandbox, console)
                cleanup.callback(server.stop)
                measure(sandbox, server, console, cleanup)
            finally:
                ignore_signals()
    except SandboxError as error:
        console.fail(error)
        return error.exit_code
    except Interrupted as interruption:
        return interruption.exit_code
    return 0
