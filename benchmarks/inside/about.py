"""What the figures were measured with."""

import platform
from importlib import metadata

from odoo import release

_SETTINGS = ("server_version", "fsync", "synchronous_commit", "full_page_writes", "shared_buffers", "max_wal_size")


def about(env, module, distribution):
    """Versions and settings, as the server and the packages tell them.

    :param str distribution: the package that `module` came in; None if it has none
    """
    return {
        "version": metadata.version(distribution) if distribution else _module_version(env, module),
        "odoo": release.version,
        "python": platform.python_version(),
        "postgresql": {name: _setting(env, name) for name in _SETTINGS},
    }


def _module_version(env, module):
    return env["ir.module.module"].sudo().search([("name", "=", module)]).latest_version


def _setting(env, name):
    env.cr.execute("SELECT current_setting(%s)", [name])
    return env.cr.fetchone()[0]
