"""A PostgreSQL server of a test's own, to be stopped and killed at will, and tests that work on one."""

import os
import pwd
import shutil
import subprocess
import tempfile
from pathlib import Path

from odoo import sql_db

from .common import WorkerCase, query_once


def find_binaries():
    """The directory of ``initdb`` and ``pg_ctl``, or None."""
    candidates = [os.environ.get("JOB_WORKER_PG_BIN", "")]
    candidates += sorted(map(str, Path("/usr/lib/postgresql").glob("*/bin")), reverse=True)
    return next((Path(path) for path in candidates if path and (Path(path) / "initdb").exists()), None)


class PrivatePostgres:
    """A server on a unix socket, its files in a directory of its own.

    :param binaries: directory of ``initdb``, ``pg_ctl``, ``pg_dump`` and ``psql``
    """

    def __init__(self, binaries):
        self._binaries = binaries
        # Short: a socket's path has at most 107 bytes.
        self.directory = Path(tempfile.mkdtemp(prefix="jw_pg_", dir="/tmp"))
        self._user = None
        if os.geteuid() == 0:  # PostgreSQL refuses to run as root
            nobody = pwd.getpwnam("nobody")
            os.chown(self.directory, nobody.pw_uid, nobody.pw_gid)
            self._user = "nobody"
        self._run("initdb", "-D", self.data, "-U", "odoo", "--auth=trust", "--encoding=UTF8", "--locale=C")

    @property
    def data(self):
        return self.directory / "data"

    def start(self, addresses=()):
        """:param addresses: IP addresses to listen on, and to let everybody in from their networks of /30"""
        with (self.data / "pg_hba.conf").open("a") as rules:
            rules.writelines(f"host all all {address}/30 trust\n" for address in addresses)
        listen = ",".join(addresses)
        options = f"-k {self.directory} -c listen_addresses='{listen}' -c max_connections=60"
        self._run("pg_ctl", "-D", self.data, "-w", "-l", self.directory / "log", "-o", options, "start")

    def stop(self, mode):
        """:param str mode: ``fast``, or ``immediate`` for a crash"""
        self._run("pg_ctl", "-D", self.data, "-m", mode, "-w", "stop")

    def remove(self):
        if (self.data / "postmaster.pid").exists():
            self.stop("immediate")
        shutil.rmtree(self.directory)

    def copy_database(self, source_arguments, db_name):
        """Copy a database of another server, with its data.

        :param list source_arguments: arguments of ``pg_dump`` that name it
        """
        self._run("psql", "-h", self.directory, "-U", "odoo", "-d", "postgres", "-c", f'CREATE DATABASE "{db_name}"')
        dump = self.directory / "dump.sql"
        with dump.open("w") as output:
            command = [self._binaries / "pg_dump", "--no-owner", *source_arguments]
            subprocess.run([str(part) for part in command], stdout=output, check=True, timeout=120)
        self._run("psql", "-q", "-h", self.directory, "-U", "odoo", "-d", db_name, "-f", dump)

    def _run(self, program, *arguments):
        command = [str(self._binaries / program), *map(str, arguments)]
        # Not a pipe: the server would inherit it, and its end would never come.
        with (self.directory / "commands.log").open("a") as log:
            subprocess.run(
                command, user=self._user, check=True, timeout=120, cwd=self.directory, stdout=log, stderr=log
            )


class PrivatePostgresCase(WorkerCase):
    """Works on a copy of the test database in a server of its own."""

    @classmethod
    def start_server(cls, *arguments):
        """Start the server and copy the test database to it.

        :param arguments: of :meth:`PrivatePostgres.start`
        """
        cls.server = PrivatePostgres(find_binaries())
        cls.addClassCleanup(cls.server.remove)
        cls.server.start(*arguments)
        info = sql_db.connection_info_for(cls.db_name)[1]
        names = (("host", "host"), ("port", "port"), ("username", "user"))
        source = [f"--{name}={info[key]}" for name, key in names if info.get(key)]
        cls.server.copy_database([*source, cls.db_name], cls.db_name)

    @classmethod
    def environment(cls, **extra):
        names = ("PGHOST", "PGPORT", "PGUSER", "PGPASSWORD")
        return {key: value for key, value in super().environment(**extra).items() if key not in names}

    def query(self, sql, *params):
        return query_once({"host": self.server.directory, "user": "odoo", "dbname": self.db_name}, sql, params)
