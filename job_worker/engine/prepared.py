"""Statements prepared once per session: planning them takes longer than running them.

Prepared statements belong to a session, so they need one that isn't shared: behind a pooler they are not used.
"""

import re
import time

from .queries import QUERIES

_PARAMETER = re.compile(r"%\((\w+)\)s")
# Parameters of the statements and their types.
_FINISH_JOB = {"id": "int", "claim_token": "bigint", "result": "text", "seconds": "float8"}
_HEADS = {"channels": "text[]", "priorities": "int[]", "due_ats": "timestamp[]", "ids": "int[]"}
OF_CONTROL = {
    "look_for_jobs": {},
    "look_from_heads": _HEADS,
    "claim_jobs": {
        **_HEADS, "picked": "int[]", "count": "int", "limited": "text[]", "line": "int", "executors": "int",
        "worker_id": "int", "worker_name": "text",
    },
    "list_candidates": _HEADS,
    "read_limits": {"channels": "varchar[]", "tokens": "bigint[]", "ids": "int[]", "claim_tokens": "bigint[]"},
    "next_due": {"floor": "timestamp"},
    "lock_limits": {"ids": "int[]"},
    "place_keys": {"keys": "text[]"},
}  # fmt: skip
# A plan is made for the table as it is then. One for a small table may walk or sort all of it, so plans are made
# anew when it has grown to this multiple, above so many bytes; and now and then.
GROWTH_FACTOR = 2
SMALL_BYTES = 128 * 1024
MAX_AGE_SECONDS = 30.0


class SessionStatements:
    """The statements that a control session has prepared, each when it was first needed.

    :param clock: callable giving monotonic seconds
    """

    def __init__(self, clock=time.monotonic):
        self._clock = clock
        self._prepared = set()
        self._fresh_until = {}
        self._size = 0

    def note_size(self, size):
        """The table of jobs has ``size`` bytes now."""
        if size > max(GROWTH_FACTOR * self._size, SMALL_BYTES):
            self._size = size
            self._fresh_until.clear()

    def execute(self, cursor, name, params, literals):
        """Run the query ``name``, prepared for these ``literals``: numbers that its plan depends on."""
        types = OF_CONTROL[name]
        own_name = "_".join([name, *map(str, literals.values())])
        statements = [execute_statement(own_name, types)]
        now = self._clock()
        if now >= self._fresh_until.get(own_name, float("-inf")):
            statements.insert(0, prepare_statement(own_name, _with_literals(QUERIES[name], literals), types))
            if own_name in self._prepared:
                statements.insert(0, f"DEALLOCATE {prepared_name(own_name)}")
            self._prepared.add(own_name)
            self._fresh_until[own_name] = now + MAX_AGE_SECONDS
        cursor.execute("; ".join(statements), params)


def run_query(cursor, name, params=None, **literals):
    """Run the query ``name`` of :data:`OF_CONTROL`, prepared where the session of ``cursor`` allows it.

    :param literals: numbers that the plan depends on; few different ones, for each is prepared on its own
    """
    statements = getattr(cursor.connection, "statements", None)
    if statements:
        statements.execute(cursor, name, params, literals)
    else:
        cursor.execute(QUERIES[name], {**(params or {}), **literals})


def note_size(cursor, size):
    """The table of jobs has ``size`` bytes: plans for a much smaller one are made anew."""
    if statements := getattr(cursor.connection, "statements", None):
        statements.note_size(size)


def _with_literals(statement, literals):
    for name, number in literals.items():
        statement = statement.replace(f"%({name})s", str(int(number)))
    return statement


def prepared_name(name):
    return f"job_worker_{name}"


def prepare_statement(name, statement, types):
    """PREPARE for ``statement``, which has psycopg2's named parameters.

    :param dict types: parameter name to its PostgreSQL type
    """
    numbers = {parameter: f"${number}" for number, parameter in enumerate(types, start=1)}
    text = _PARAMETER.sub(lambda match: numbers[match[1]], statement).replace("%%", "%")
    kinds = f" ({', '.join(types.values())})" if types else ""
    return f"PREPARE {prepared_name(name)}{kinds} AS {text.replace('%', '%%')}"


def execute_statement(name, types):
    """EXECUTE for what :func:`prepare_statement` prepared, with the same named parameters."""
    values = ", ".join(f"%({parameter})s::{kind}" for parameter, kind in types.items())
    return f"EXECUTE {prepared_name(name)}" + (f" ({values})" if values else "")


PREPARE_FINISH_JOB = prepare_statement("finish_job", QUERIES["finish_job"], _FINISH_JOB)
EXECUTE_FINISH_JOB = execute_statement("finish_job", _FINISH_JOB)
