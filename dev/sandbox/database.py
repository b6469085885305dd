"""The demo's database: made once, upgraded when a module's files changed.

`.sandbox/databases/NAME.json` is written before the database is created (so that a purge knows it)
and gets the modules' fingerprints after the installation ended well: without these it is made anew.
"""

import hashlib
import json

from . import commands, server as servers
from .errors import SandboxError
from .paths import MODULES, REPOSITORY, SCRIPTS, remove, write_private

_INSTALL_SECONDS = 1200
_NOT_IN_THE_DATABASE = {"tests", "__pycache__", "readme", "description"}


class Database:
    """One database with our modules and demo data."""

    def __init__(self, sandbox, server):
        self.name = servers.database_name(sandbox, server)
        self._sandbox = sandbox
        self._server = server
        self._record = sandbox.databases / f"{self.name}.json"

    def ensure(self, console):
        """Bring the database to the state of the checkout's files."""
        current = {module: fingerprint(REPOSITORY / module) for module in MODULES}
        installed = self._read().get("installed") if self._exists() else None
        if not installed:
            with console.step(f"Installing {', '.join(MODULES)}"):
                self._make()
        elif installed != current:
            changed = [module for module in MODULES if installed.get(module) != current[module]]
            with console.step(f"Upgrading {', '.join(changed)}"):
                self._odoo("upgrade", "-u", ",".join(changed))
        self._require_installed()
        self._write(installed=current)

    def _make(self):
        if self._exists() and not self._record.exists():
            raise SandboxError(
                f"The server already has a database {self.name}, which this sandbox did not make.",
                remedy=f"drop it (dropdb {self.name}) if it is an old sandbox's",
            )
        self._write(installed=None)
        self._script("drop")
        remove(self._sandbox.data / "filestore" / self.name)
        self._odoo("install", "-i", ",".join(MODULES), "--with-demo")

    def _odoo(self, what, *arguments):
        conf = ["-c", self._sandbox.conf, "-d", self.name]
        commands.run(
            [self._sandbox.python, "-m", "odoo", *conf, *arguments, "--stop-after-init", "--no-http"],
            what=f"Odoo's {what} of {', '.join(MODULES)}",
            log=self._sandbox.logs / f"{what}.log",
            timeout=_INSTALL_SECONDS,
            env=servers.odoo_environment(self._server),
        )

    def _require_installed(self):
        states = self._script("modules")
        missing = [module for module in MODULES if states.get(module) != "installed"]
        if missing:
            log = self._sandbox.logs / "install.log"
            raise SandboxError(f"Database {self.name} lacks {', '.join(missing)}.", log=log)

    def _exists(self):
        return self._script("exists")

    def _script(self, command):
        return run_script(self._sandbox, self._sandbox.conf, command, self.name)

    def _read(self):
        try:
            return json.loads(self._record.read_text())
        except (FileNotFoundError, ValueError):
            return {}

    def _write(self, installed):
        """With the connection, since a purge may come when nothing else names the server."""
        entry = {"installed": installed, "ours": self._server.is_ours, "conf": self._server.options()}
        write_private(self._record, json.dumps(entry))


def drop_foreign(sandbox, console):
    """Drop the databases that this sandbox made in servers of others."""
    for record in sorted(sandbox.databases.glob("*.json")):
        entry = json.loads(record.read_text())
        if not entry["ours"]:
            console.say(f"  Dropping database {record.stem} on {entry['conf']['db_host']}")
            conf = sandbox.run / "drop.conf"
            lines = [f"{name} = {value}\n" for name, value in entry["conf"].items()]
            write_private(conf, "[options]\n" + "".join(lines))
            run_script(sandbox, conf, "drop", record.stem)


def run_script(sandbox, conf, command, name):
    """The answer of scripts/database.py."""
    script = [sandbox.python, SCRIPTS / "database.py", conf, command, name]
    try:
        return json.loads(commands.output_of(script, timeout=120))
    except commands.FAILURES as error:
        raise SandboxError(
            f"PostgreSQL, database {name}: {commands.first_line_of_error(error)}",
            remedy="see that the server runs, takes this user and lets it create databases",
        ) from error


def fingerprint(module):
    """Changes with what Odoo reads from a module at an upgrade."""
    if not (module / "__manifest__.py").exists():
        raise SandboxError(f"{module} has no __manifest__.py.", remedy="complete the checkout")
    digest = hashlib.sha256()
    for path in sorted(module.rglob("*")):
        relative = path.relative_to(module)
        if path.is_file() and not _NOT_IN_THE_DATABASE.intersection(relative.parts):
            digest.update(f"{relative}\0".encode())
            digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()
