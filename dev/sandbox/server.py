"""Which PostgreSQL to use, and the Odoo configuration that names it."""

import configparser
import hashlib
import os

from . import commands
from .errors import SandboxError
from .paths import REPOSITORY, write_private
from .postgres import EmbeddedPostgres

_FALSE = ("", "False", "None")
_OPTIONS = ("db_host", "db_port", "db_user", "db_password", "db_sslmode")


class ForeignServer:
    """A server that is there already; we only make databases in it."""

    is_ours = False
    binaries = None

    def __init__(self, options, named_by):
        self._options = options
        self._named_by = named_by

    def options(self):
        return self._options

    def describe(self):
        host, port = self._options["db_host"], self._options.get("db_port", "5432")
        return f"the PostgreSQL server {host}:{port} (from {self._named_by})"

    def start(self, _console):
        if self._options.get("db_user") == "postgres":
            raise SandboxError(
                f"Odoo refuses to work as database user postgres ({self._named_by}).",
                remedy="create another role (CREATE ROLE odoo LOGIN CREATEDB PASSWORD '...') and use that",
            )

    def stop(self):
        """It isn't ours to stop."""


def choose(sandbox, configuration=None):
    """The server that `PGHOST` or an Odoo configuration (`-c`, `ODOO_RC`) names, else the embedded one."""
    if os.environ.get("PGHOST"):
        return ForeignServer(_from_libpq_environment(), "PGHOST")
    path = configuration or os.environ.get("ODOO_RC")
    options = _from_configuration(path) if path else {}
    if options.get("db_host"):
        return ForeignServer(options, path)
    return EmbeddedPostgres(sandbox)


def database_name(sandbox, server):
    """On a server that others use too, the name tells sandboxes apart."""
    if server.is_ours:
        return "job_worker_demo"
    return "job_worker_demo_" + hashlib.sha256(str(sandbox.root).encode()).hexdigest()[:8]


def write_odoo_conf(sandbox, server):
    """The configuration for Odoo, the worker and the tests."""
    options = {
        "addons_path": str(REPOSITORY),
        "data_dir": str(sandbox.data),
        "http_interface": "127.0.0.1",
        "max_cron_threads": "1",
        **server.options(),
    }
    text = "[options]\n" + "".join(f"{name} = {value}\n" for name, value in options.items())
    write_private(sandbox.conf, text)


def odoo_environment(server):
    """For programs that run Odoo. The configuration names the server; stray PG* variables must not."""
    env = commands.environment()
    if server.is_ours:
        env = {name: value for name, value in env.items() if not name.startswith("PG")}
        env["JOB_WORKER_PG_BIN"] = str(server.binaries)
    return env


def _from_libpq_environment():
    names = {
        "db_host": "PGHOST",
        "db_port": "PGPORT",
        "db_user": "PGUSER",
        "db_password": "PGPASSWORD",
        "db_sslmode": "PGSSLMODE",
    }
    return {option: os.environ[name] for option, name in names.items() if os.environ.get(name)}


def _from_configuration(path):
    parser = configparser.RawConfigParser()
    try:
        with open(path) as file:
            parser.read_file(file)
        section = dict(parser["options"])
    except (OSError, configparser.Error, KeyError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or str(error).splitlines()[0]
        raise SandboxError(
            f"{path} can't be read as an Odoo configuration: {reason}.",
            remedy="name an existing file with a section [options]",
            exit_code=2,
        ) from error
    return {name: section[name] for name in _OPTIONS if section.get(name, "") not in _FALSE}
