"""What PostgreSQL allows on this machine: pgbench, which comes with the embedded server."""

import re
import shutil

from sandbox import commands, server as servers
from sandbox.errors import SandboxError

from . import sql
from .peer import Unavailable
from .queues import EXECUTORS

_ROWS = 100_000
_UPDATE = f"""\\set id random(1, {_ROWS})
UPDATE bench SET value = value + 1 WHERE id = :id;
"""
# A job in two transactions, as short as SQL allows: no payload, no times, no index but the one for the claim.
_CLAIM_AND_COMPLETE = """UPDATE bench SET state = 'started' WHERE id = (
    SELECT id FROM bench WHERE state = 'pending' ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED
) RETURNING id \\gset
UPDATE bench SET state = 'done' WHERE id = :id AND state = 'started';
"""
_TABLE = f"""
    DROP TABLE IF EXISTS bench;
    CREATE TABLE bench (id integer PRIMARY KEY, value integer, state text) WITH (fillfactor = 70);
    INSERT INTO bench SELECT number, 0, 'pending' FROM generate_series(1, {_ROWS}) number;
    CREATE INDEX ON bench (id) WHERE state = 'pending';
    VACUUM ANALYZE bench;
"""
SCRIPTS = {"update": _UPDATE, "claim": _CLAIM_AND_COMPLETE}


class Floor:
    """Runs pgbench with as many clients as a worker has executors, in a database of its own."""

    def __init__(self, sandbox, server):
        self._sandbox = sandbox
        self._server = server
        self._database = f"{servers.database_name(sandbox, server)}_benchmark_floor"
        self._pgbench = self._find()

    def _find(self):
        beside = self._server.binaries / "pgbench" if self._server.binaries else None
        found = beside if beside and beside.exists() else shutil.which("pgbench")
        if not found:
            raise Unavailable("there is no pgbench")
        return found

    def make(self):
        self.remove()
        self._execute("postgres", f'CREATE DATABASE "{self._database}"')

    def measure(self, jobs):
        """Transactions per second of `update`, jobs per second of `claim`."""
        return {name: self._run(name, script, jobs) for name, script in SCRIPTS.items()}

    def remove(self):
        self._execute("postgres", f'DROP DATABASE IF EXISTS "{self._database}" WITH (FORCE)')

    def _run(self, name, script, jobs):
        for statement in filter(str.strip, _TABLE.split(";")):
            self._execute(self._database, statement)
        file = self._sandbox.run / f"pgbench-{name}.sql"
        file.write_text(script)
        options = sql.connection_options(self._server, self._database)
        clients = ["-c", EXECUTORS, "-j", 2, "-t", max(1, jobs // EXECUTORS)]
        argv = [self._pgbench, "-n", "-M", "prepared", *clients, "-f", file]
        names = {"host": "PGHOST", "port": "PGPORT", "user": "PGUSER", "password": "PGPASSWORD", "sslmode": "PGSSLMODE"}
        env = commands.environment(PGDATABASE=self._database, **{names[k]: v for k, v in options.items() if k in names})
        try:
            output = commands.output_of(argv, timeout=600, env=env)
        except commands.FAILURES as error:
            raise SandboxError(f"pgbench failed: {commands.first_line_of_error(error)}") from error
        return float(re.search(r"^tps = ([\d.]+)", output, re.MULTILINE)[1])

    def _execute(self, dbname, statement):
        connection = sql.connect(sql.connection_options(self._server, dbname))
        try:
            sql.execute(connection, statement)
        finally:
            connection.close()
