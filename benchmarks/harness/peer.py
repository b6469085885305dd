"""OCA's queue_job, fetched into the sandbox. It is never part of the checkout."""

import ast
from pathlib import Path

from sandbox import venv
from sandbox.errors import SandboxError

REQUIREMENTS = Path(__file__).resolve().parents[1] / "requirements-oca.txt"
MODULE = "queue_job"
DISTRIBUTION = "odoo-addon-queue-job"


class Unavailable(Exception):
    """Why the peer can't be measured, in one line."""


def fetch(sandbox, console):
    """Install the peer with the sandbox's pip; returns the directory that holds its packages."""
    target = sandbox.root / "oca"
    try:
        venv.ensure(sandbox, target, REQUIREMENTS, console)
    except SandboxError as error:
        raise Unavailable(f"{error} See {error.log}.") from error
    library = venv.site_packages(target)
    _require_addons(sandbox, dependencies(library))
    return library


def addons_path(library):
    """Where Odoo finds the peer's addon."""
    return library / "odoo" / "addons"


def dependencies(library):
    """The names of the addons that the peer needs."""
    manifest = addons_path(library) / MODULE / "__manifest__.py"
    return ast.literal_eval(manifest.read_text())["depends"]


def _require_addons(sandbox, names):
    """Debian's Odoo is unpacked with few addons; a checkout has them all."""
    odoo = sandbox.odoo / "lib"
    places = (odoo / "odoo" / "addons", odoo / "addons")
    missing = [name for name in names if not any((place / name / "__manifest__.py").exists() for place in places)]
    if missing:
        raise Unavailable(f"it needs {', '.join(missing)}, which the sandbox's Odoo lacks: set ODOO_PATH to a checkout")
