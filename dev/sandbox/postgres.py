"""The embedded PostgreSQL 18: made once, started when needed, stopped by the last who used it."""

import fcntl
import os
import subprocess

from . import commands
from .errors import SandboxError
from .paths import remove
from .postgres_home import PostgresHome

ROLE = "odoo"  # Odoo refuses to work as `postgres`; this one may create databases and nothing more
ADMIN = "sandbox"
_START_SECONDS = 60
_STOP_SECONDS = 30

_SETTINGS = """
# Written by dev/sandbox at every start.
listen_addresses = ''
unix_socket_directories = '{socket}'
unix_socket_permissions = 0700
port = 5432
max_connections = 200
shared_buffers = 256MB
max_wal_size = 2GB
timezone = 'UTC'
log_timezone = 'UTC'
log_line_prefix = '%m [%p] %d '
"""


class EmbeddedPostgres:
    """A server on a unix socket that only its owner can open."""

    is_ours = True

    def __init__(self, sandbox):
        self._sandbox = sandbox
        self._home = PostgresHome(sandbox)
        self._users = None

    @property
    def binaries(self):
        return self._home.binaries

    @property
    def log(self):
        return self._home.directory / "server.log"

    def options(self):
        """Odoo's connection options."""
        return {"db_host": str(self._home.socket), "db_port": "5432", "db_user": ROLE}

    def describe(self):
        return f"embedded PostgreSQL, psql -h {self._home.socket} -U {ROLE}"

    def start(self, console):
        """Start the server unless it runs, and count as one of its users until `stop`."""
        self._users = (self._sandbox.run / "postgres.users").open("w")
        fcntl.flock(self._users, fcntl.LOCK_SH)
        self._home.prepare()
        if not (self._home.data / "PG_VERSION").exists():
            with console.step("Making a PostgreSQL server"):
                self._make()
        self._require_same_version()
        if not self.is_running():
            with console.step("Starting PostgreSQL"):
                self._start()

    def stop(self):
        """Stop the server, unless somebody else (a demo, a test run) still uses it."""
        if self._users is None:
            return
        try:
            fcntl.flock(self._users, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self.stop_for_everybody()
        except BlockingIOError:
            pass
        finally:
            self._users.close()
            self._users = None

    def stop_for_everybody(self):
        """Stop the server; True if it ran."""
        if not self._home.exists() or not self.is_running():
            return False
        if self._pg_ctl("stop", "-m", "fast", "-t", _STOP_SECONDS):
            self._pg_ctl("stop", "-m", "immediate", "-t", _STOP_SECONDS)
        return True

    def is_running(self):
        """pg_ctl compares postmaster.pid with the living processes."""
        return self._pg_ctl("status") == 0

    def remove(self):
        self._home.remove()

    def _make(self):
        unfinished = self._home.directory / "data.unfinished"
        remove(unfinished)
        self._run("initdb", "-D", unfinished, "-U", ADMIN, "-A", "trust", "-E", "UTF8", *_LOCALE)
        with (unfinished / "postgresql.conf").open("a") as conf:
            conf.write("\ninclude = 'sandbox.conf'\n")
        self._write_settings(unfinished)
        create_role = f"CREATE ROLE {ROLE} LOGIN CREATEDB;\n"
        self._run("postgres", "--single", "-D", unfinished, "postgres", input=create_role)
        unfinished.rename(self._home.data)

    def _start(self):
        self._write_settings(self._home.data)
        code = self._pg_ctl("start", "-w", "-t", _START_SECONDS, "-l", self.log)
        if code:
            raise SandboxError(
                "PostgreSQL didn't start.",
                log=self.log,
                remedy="see what its log says; `dev/down --purge` begins anew",
            )

    def _write_settings(self, data):
        quoted = '"' + str(self._home.socket).replace('"', '""').replace("'", "''") + '"'
        settings = data / "sandbox.conf"
        settings.write_text(_SETTINGS.format(socket=quoted))
        settings.chmod(0o644)

    def _require_same_version(self):
        data = (self._home.data / "PG_VERSION").read_text().strip()
        program = commands.output_of([self.binaries / "postgres", "--version"]).split()[-1]
        if program.split(".")[0] != data:
            raise SandboxError(
                f"The sandbox's databases are of PostgreSQL {data}, its server is {program}.",
                remedy="`dev/down --purge` removes them and the next start makes new ones",
            )

    def _run(self, program, *arguments, **options):
        commands.run(
            [self.binaries / program, *arguments],
            what=f"PostgreSQL's {program}",
            log=self._sandbox.logs / f"postgres-{program}.log",
            timeout=120,
            env=_environment(),
            **self._home.run_as(),
            **options,
        )

    def _pg_ctl(self, *arguments):
        return subprocess.run(
            [str(part) for part in (self.binaries / "pg_ctl", "-D", self._home.data, *arguments)],
            check=False,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            env=_environment(),
            **self._home.run_as(),
        ).returncode


def _environment():
    """Nothing of the caller's PostgreSQL settings, and messages in English."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PG", "LC_", "LANG"))}
    return {**kept, "LC_ALL": "C", "HOME": "/"}


_LOCALE = ("--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8")
