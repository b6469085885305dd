"""The engine's SQL, read once from the files in ``sql/``, one per duty.

``QUERIES["claim_jobs"]`` is the statement below the line ``-- name: claim_jobs``;
parameters are psycopg2's ``%(name)s``.
"""

import re
from pathlib import Path
from types import MappingProxyType

_NAME = re.compile(r"^-- name: (\w+)\s*$", re.MULTILINE)


def parse_queries(text):
    """Return ``{name: statement}`` for a text of ``-- name:`` blocks.

    :raise ValueError: a name stands twice or has no statement
    """
    _preamble, *parts = _NAME.split(text)
    queries = {}
    for name, body in zip(parts[::2], parts[1::2], strict=True):
        statement = "\n".join(line for line in body.splitlines() if not line.startswith("--")).strip()
        if name in queries or not statement:
            raise ValueError(f"Query {name!r} is defined twice or empty")
        queries[name] = statement
    return queries


# As one text, so that a name can't stand in two files.
_TEXTS = [path.read_text() for path in sorted(Path(__file__).with_name("sql").glob("*.sql"))]
QUERIES = MappingProxyType(parse_queries("\n".join(_TEXTS)))
