"""Runs a program to its end: output to a log, a time limit, nothing left behind."""

import contextlib
import os
import signal
import subprocess

from .errors import SandboxError

FAILURES = (subprocess.SubprocessError, OSError)
_MISLEADING = ("PYTHONPATH", "PYTHONHOME", "PYTHONSTARTUP", "VIRTUAL_ENV", "ODOO_RC")


def environment(**extra):
    """The caller's environment without what would lead our Python or Odoo to other code or settings."""
    kept = {name: value for name, value in os.environ.items() if name not in _MISLEADING}
    return {**kept, "PYTHONUNBUFFERED": "1", **extra}


def run(argv, *, what, log, timeout, remedy=None, env=None, check=True, **popen):
    """Run `argv` with its output in `log`; returns its exit code.

    Fails as "`what` failed" with the log's end when the code isn't 0 (unless not `check`)
    or the time is up. `input` and what else `subprocess.Popen` takes may be given.
    """
    argv = [str(part) for part in argv]
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("w") as output:
        code = _run_group(argv, timeout, what, log, remedy, env=env or environment(), stdout=output, **popen)
    if check and code:
        raise SandboxError(f"{what} failed (exit code {code}).", log=log, remedy=remedy)
    return code


def output_of(argv, *, timeout=30, env=None, **popen):
    """The standard output of a short command; raises one of `FAILURES`."""
    return subprocess.run(
        [str(part) for part in argv],
        check=True,
        capture_output=True,
        text=True,
        timeout=timeout,
        env=env or environment(),
        stdin=subprocess.DEVNULL,
        **popen,
    ).stdout


def first_line_of_error(error):
    """Why a command of `output_of` failed, in one line."""
    if isinstance(error, subprocess.TimeoutExpired):
        return f"no answer within {error.timeout:g} s"
    text = (getattr(error, "stderr", "") or "").strip() or str(error)
    return text.splitlines()[0]


def _run_group(argv, timeout, what, log, remedy, *, input=None, **popen):
    stdin = subprocess.PIPE if input is not None else subprocess.DEVNULL
    try:
        process = subprocess.Popen(
            argv, stdin=stdin, stderr=subprocess.STDOUT, text=True, start_new_session=True, **popen
        )
    except OSError as error:
        raise SandboxError(f"{what} failed: {argv[0]}: {error.strerror}.", remedy=remedy) from error
    try:
        process.communicate(input, timeout=timeout)
    except subprocess.TimeoutExpired as error:
        _kill_group(process)
        raise SandboxError(f"{what} took longer than {timeout} s.", log=log, remedy=remedy) from error
    except BaseException:
        _kill_group(process)
        raise
    return process.returncode


def _kill_group(process):
    """It is in a session of its own, so this reaches its children and nobody else."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
