"""What is compared: each side has a database of its own on the same server."""

import json
from dataclasses import dataclass
from pathlib import Path

from inside import RESULT

from sandbox import commands, database, postgres, server as servers
from sandbox.errors import SandboxError
from sandbox.paths import REPOSITORY, remove

from . import peer

_BENCHMARKS = Path(__file__).resolve().parents[1]
_INSTALL_SECONDS = 1200
_MEASURE_SECONDS = 3600


@dataclass(frozen=True)
class Product:
    """A queue under measurement.

    :param str module: its Odoo module
    :param distribution: the package that the module came in; None for this checkout
    :param Path addons_path: where the module is
    :param python_path: directories of packages that it needs beside the sandbox's
    """

    key: str
    title: str
    module: str
    distribution: str
    addons_path: Path
    python_path: tuple


def ours():
    return Product("ours", "job_worker", "job_worker", None, REPOSITORY, ())


def oca(library):
    """:param Path library: what :func:`.peer.fetch` returned"""
    return Product("oca", "OCA queue_job", peer.MODULE, peer.DISTRIBUTION, peer.addons_path(library), (library,))


class Side:
    """A product in its database. What it makes, `remove` takes away."""

    def __init__(self, sandbox, server, product):
        self.product = product
        self._sandbox = sandbox
        self._server = server
        self._database = f"{servers.database_name(sandbox, server)}_benchmark_{product.key}"

    def make(self, console, more_modules=()):
        """Make the database.

        :param more_modules: installed as well, so that both sides' registries are of one size
        """
        self.remove()
        modules = ",".join([self.product.module, *more_modules])
        with console.step(f"Making a database with {self.product.title}"):
            self._odoo("install", "-i", modules, "--stop-after-init", timeout=_INSTALL_SECONDS)

    def measure(self, script, **parameters):
        """The answer of a `main` of `inside/`, run in an Odoo shell of its own.

        :param str script: name of the module in `inside/`
        """
        parameters = {
            "module": self.product.module,
            "distribution": self.product.distribution,
            "checkpoint_user": postgres.ADMIN if self._server.is_ours else None,
            **parameters,
        }
        source = f"from inside.{script} import main\nmain(env, **{parameters!r})\n"
        return _answer(self._odoo("measure", command=("shell",), timeout=_MEASURE_SECONDS, input=source))

    def remove(self):
        """Drop the database if there is one."""
        database.run_script(self._sandbox, self._sandbox.conf, "drop", self._database)
        remove(self._sandbox.data / "filestore" / self._database)

    def _odoo(self, what, *arguments, command=(), **options):
        """Run Odoo to its end; returns its log."""
        log = self._sandbox.logs / f"benchmark-{what}-{self.product.key}.log"
        settings = ["-c", self._sandbox.conf, "-d", self._database, "--addons-path", self.product.addons_path]
        commands.run(
            [self._sandbox.python, "-m", "odoo", *command, *settings, "--no-http", *arguments],
            what=f"Odoo's {what} with {self.product.title}",
            log=log,
            env=self._environment(),
            **options,
        )
        return log

    def _environment(self):
        path = ":".join(str(part) for part in (_BENCHMARKS, *self.product.python_path))
        return {**servers.odoo_environment(self._server), "PYTHONPATH": path}


def _answer(log):
    """The line that the script printed for us, among what Odoo logs."""
    for line in log.read_text().splitlines():
        if line.startswith(RESULT):
            return json.loads(line[len(RESULT) :])
    raise SandboxError("The measurement gave no result.", log=log)
