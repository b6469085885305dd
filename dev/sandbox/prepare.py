"""From nothing to a virtual environment, an Odoo, a server and a configuration."""

from . import odoo_source, server as servers, venv
from .paths import DEV


def prepare(sandbox, console, configuration=None):
    """Make or repair what is missing and start PostgreSQL; returns the server."""
    sandbox.make()
    server = servers.choose(sandbox, configuration)
    with sandbox.lock("prepare", lambda: console.say("  Waiting for another start in this sandbox ...")):
        venv.ensure(sandbox, sandbox.venv, DEV / "requirements.txt", console)
        origin = odoo_source.ensure(sandbox, console)
        _start(server, sandbox, console)
    if not console.quiet:
        console.say(f"  Odoo 19: {origin}")
        console.say(f"  PostgreSQL: {server.describe()}")
    return server


def _start(server, sandbox, console):
    """Nobody but the caller who gets the server can stop it, so it doesn't outlive a failure here."""
    try:
        server.start(console)
        servers.write_odoo_conf(sandbox, server)
    except BaseException:
        server.stop()
        raise
