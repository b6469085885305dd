"""`dev/lint`: ruff and pylint with pylint-odoo on Python, the shells' own parsers on scripts."""

import os
import subprocess
from pathlib import Path

from . import venv
from .errors import Interrupted, SandboxError
from .paths import DEV, REPOSITORY

_SKIPPED = {".git", ".sandbox", "node_modules", "__pycache__"}


def main(sandbox, console):
    """Returns 0 when all is clean."""
    try:
        sandbox.make()
        with sandbox.lock("lint"):
            venv.ensure(sandbox, sandbox.lint_venv, DEV / "requirements-lint.txt", console)
        failed = [name for name, argv in _checks(sandbox) if not _passes(argv)]
    except Interrupted as interruption:
        return interruption.exit_code
    except SandboxError as error:
        console.fail(error)
        return error.exit_code
    console.say(f"Lint: {', '.join(failed)} failed." if failed else "Lint: all clean.")
    return 1 if failed else 0


def _checks(sandbox):
    programs = sandbox.lint_venv / "bin"
    modules = sorted(manifest.parent.name for manifest in REPOSITORY.glob("*/__manifest__.py"))
    yield "ruff", [programs / "ruff", "check", "--quiet", "."]
    yield "pylint", [programs / "pylint", "--jobs", os.cpu_count() or 1, *modules]
    for script, shell in _shell_scripts():
        yield f"{shell} -n {script}", [shell, "-n", script]


def _passes(argv):
    return subprocess.run([str(part) for part in argv], cwd=REPOSITORY, check=False).returncode == 0


def _shell_scripts():
    """(script, its shell), by the first line."""
    for directory, directories, files in os.walk(REPOSITORY):
        directories[:] = sorted(set(directories) - _SKIPPED)
        for name in sorted(files):
            path = Path(directory, name)
            with path.open("rb") as file:
                first = file.readline(80)
            if first.startswith(b"#!") and first.split()[-1].endswith(b"sh"):
                shell = "bash" if b"bash" in first else "sh"
                yield path.relative_to(REPOSITORY), shell
