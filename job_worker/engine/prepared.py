"""Statements that each job runs, prepared once per session: planning them takes longer than running them.

Prepared statements belong to a session, so they need one that isn't shared: behind a pooler they are not used.
"""

import re

from .queries import QUERIES

_PARAMETER = re.compile(r"%\((\w+)\)s")
# Parameters of the statement and their types.
_FINISH_JOB = {"id": "int", "claim_token": "bigint", "result": "text", "seconds": "float8"}


def prepared_name(name):
    return f"job_worker_{name}"


def prepare_statement(name, statement, types):
    """PREPARE for ``statement``, which has psycopg2's named parameters.

    :param dict types: parameter name to its PostgreSQL type
    """
    numbers = {parameter: f"${number}" for number, parameter in enumerate(types, start=1)}
    text = _PARAMETER.sub(lambda match: numbers[match[1]], statement).replace("%%", "%")
    return f"PREPARE {prepared_name(name)} ({', '.join(types.values())}) AS {text}"


def execute_statement(name, types):
    """EXECUTE for what :func:`prepare_statement` prepared, with the same named parameters."""
    return f"EXECUTE {prepared_name(name)} ({', '.join(f'%({parameter})s' for parameter in types)})"


PREPARE_FINISH_JOB = prepare_statement("finish_job", QUERIES["finish_job"], _FINISH_JOB)
EXECUTE_FINISH_JOB = execute_statement("finish_job", _FINISH_JOB)
