"""Finds an Odoo 19 and shows it to the virtual environment.

Finders are tried in order. One that doesn't find raises `NotFound` with the reason in one line,
which is shown, and the next is tried.
"""

import importlib.util
import os
import re
import shutil
from pathlib import Path

from . import commands, debian_package, venv
from .errors import SandboxError
from .paths import remove

REPOSITORY_URL = "https://github.com/odoo/odoo"
BRANCH = "19.0"
_PROBE_SECONDS = 10
_CLONE_SECONDS = 1800


class NotFound(Exception):
    """Why a finder has no Odoo 19, in one line."""


def ensure(sandbox, console):
    """Make `odoo` importable in the sandbox's virtual environment; returns where it was found."""
    package, origin = _find(sandbox, console)
    _link(sandbox, package)
    return origin


def _find(sandbox, console):
    reasons = []
    for origin, find in _FINDERS:
        try:
            package = find(sandbox, console)
            _require_version_19(package)
            return package, f"{origin}: {package}"
        except NotFound as reason:
            reasons.append(f"{origin}: {reason}")
            if not console.quiet:
                console.say(f"      Odoo 19, {reasons[-1]}")
    raise SandboxError(
        "No Odoo 19 was found:\n" + "\n".join(f"    - {reason}" for reason in reasons),
        remedy="set ODOO_PATH to a checkout of Odoo 19 (the directory that holds odoo-bin), "
        "or let this machine reach github.com or a Debian mirror",
    )


def _from_odoo_path(_sandbox, _console):
    path = os.environ.get("ODOO_PATH")
    if not path:
        raise NotFound("not set")
    directory = Path(path).expanduser().absolute()
    if not directory.is_dir():
        raise NotFound(f"{path} is not a directory")
    if (directory / "release.py").exists():
        return directory
    if not (directory / "odoo" / "release.py").exists():
        raise NotFound(f"{path} holds no odoo package (odoo/release.py)")
    return directory / "odoo"


def _from_interpreter(_sandbox, _console):
    spec = importlib.util.find_spec("odoo")
    if not spec or not spec.submodule_search_locations:
        raise NotFound("this Python has no package odoo")
    return Path(next(iter(spec.submodule_search_locations)))


def _from_earlier_download(sandbox, _console):
    for package in (_clone_directory(sandbox) / "odoo", debian_package.package_directory(sandbox)):
        if package.is_dir():
            return package
    raise NotFound("none yet")


def _from_clone(sandbox, console):
    if not shutil.which("git"):
        raise NotFound("git is not installed")
    env = commands.environment(GIT_TERMINAL_PROMPT="0")
    _probe_repository(env)
    with console.step(f"Cloning Odoo {BRANCH}"), sandbox.building(_clone_directory(sandbox)) as target:
        try:
            commands.run(
                ["git", "clone", "--depth", "1", "--branch", BRANCH, REPOSITORY_URL, target],
                what="git clone",
                log=sandbox.logs / "odoo-clone.log",
                timeout=_CLONE_SECONDS,
                env=env,
            )
        except SandboxError as error:
            raise NotFound(f"{error} See {error.log}.") from error
    return _clone_directory(sandbox) / "odoo"


def _probe_repository(env):
    """Ask for the branch first: the answer, or its absence, comes within seconds."""
    probe = ["git", "ls-remote", "--exit-code", REPOSITORY_URL, f"refs/heads/{BRANCH}"]
    try:
        commands.output_of(probe, timeout=_PROBE_SECONDS, env=env)
    except commands.FAILURES as error:
        raise NotFound(commands.first_line_of_error(error)) from error


def _from_debian(sandbox, console):
    try:
        return debian_package.fetch(sandbox, console)
    except debian_package.Unavailable as reason:
        raise NotFound(str(reason)) from reason


def _clone_directory(sandbox):
    return sandbox.odoo / "clone"


def _require_version_19(package):
    """Read, not imported: the libraries that Odoo needs may not be there."""
    release = package / "release.py"
    found = release.exists() and re.search(r"version_info\s*=\s*\(\D*(\d+)\D+(\d+)", release.read_text())
    if not found:
        raise NotFound(f"{package} holds no Odoo that tells its version")
    if found.groups() != ("19", "0"):
        raise NotFound(f"{package} is Odoo {'.'.join(found.groups())}, not 19.0")


def _link(sandbox, package):
    """Give the virtual environment a directory with nothing but Odoo in it.

    The place where Odoo was found may hold other libraries, which must not get before ours.
    """
    library = sandbox.odoo / "lib"
    library.mkdir(exist_ok=True)
    _point(library / "odoo", package)
    _point(library / "addons", package.parent / "addons")  # a checkout keeps most addons beside the package
    (venv.site_packages(sandbox.venv) / "odoo.pth").write_text(f"{library}\n")


def _point(link, target):
    if link.is_symlink() and link.readlink() == target and target.is_dir():
        return
    remove(link)
    if target.is_dir():
        link.symlink_to(target)


_FINDERS = (
    ("ODOO_PATH", _from_odoo_path),
    ("installed beside this Python", _from_interpreter),
    ("downloaded earlier", _from_earlier_download),
    (f"clone of {REPOSITORY_URL}", _from_clone),
    ("Debian's package", _from_debian),
)
