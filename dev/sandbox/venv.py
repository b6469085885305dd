"""Virtual environments with pinned packages."""

import hashlib
import importlib.util
import sys

from . import commands
from .errors import SandboxError

_INSTALL_SECONDS = 1800


def ensure(sandbox, target, requirements, console):
    """Make `target` from the `requirements` file, unless it is there and still what they ask for."""
    fingerprint = _fingerprint(target, requirements)
    stamp = target / "fingerprint"
    if stamp.exists() and stamp.read_text() == fingerprint:
        return
    _require_venv_module()
    with console.step(f"Installing the packages of {requirements.name}") as step:
        stamp.unlink(missing_ok=True)  # without it the environment counts as unfinished
        _create(sandbox, target)
        _install(sandbox, target, requirements, step)
        stamp.write_text(fingerprint)


def site_packages(target):
    """Its library directory."""
    return next((target / "lib").glob("python3.*/site-packages"))


def _fingerprint(target, requirements):
    """Changes with the requirements, the interpreter and the place: an environment can't be moved."""
    parts = (requirements.read_text(), sys.version, sys.executable, str(target))
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def _require_venv_module():
    if not all(importlib.util.find_spec(name) for name in ("venv", "ensurepip")):
        version = "{}.{}".format(*sys.version_info)
        raise SandboxError(
            f"{sys.executable} can't make virtual environments: it has no venv or ensurepip module.",
            remedy=f"install them (Debian, Ubuntu: apt install python{version}-venv) and start again",
        )


def _create(sandbox, target):
    commands.run(
        [sys.executable, "-m", "venv", "--clear", target],
        what="Making a virtual environment",
        log=sandbox.logs / f"{target.name}-create.log",
        timeout=300,
        remedy="see whether this Python's venv module works and the disk has room",
    )


def _install(sandbox, target, requirements, step):
    step.detail("pip install")
    pip = [target / "bin" / "python", "-m", "pip", "install", "--disable-pip-version-check", "--no-input"]
    commands.run(
        [*pip, "--no-deps", "--only-binary", ":all:", "--requirement", requirements],
        what=f"Installing {requirements.name}",
        log=sandbox.logs / f"{target.name}-packages.log",
        timeout=_INSTALL_SECONDS,
        remedy="see that pip reaches its package index (proxy, PIP_INDEX_URL), then start again",
    )
