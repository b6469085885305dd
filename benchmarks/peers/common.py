"""What the peers written in Python share: where the database is, and the jobs."""

import asyncio
import json
import os
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from inside.pace import paced  # noqa: F401  (for the peers)
from inside.protocol import serve  # noqa: F401

RECORDS = 1000
SLEEP_SECONDS = 0.005
WRITE = "UPDATE bench_record SET counter = {} WHERE id = {}"
_RECORD_TABLE = """
    CREATE TABLE IF NOT EXISTS bench_record (id integer PRIMARY KEY, counter integer);
    INSERT INTO bench_record SELECT number, 0 FROM generate_series(0, 999) number ON CONFLICT DO NOTHING;
"""


def database():
    """libpq's connection options, as the harness gives them."""
    return json.loads(os.environ["BENCHMARK_DATABASE"])


def make_records(connection):
    """The table that the jobs write to, by a psycopg connection in autocommit."""
    connection.execute(_RECORD_TABLE)


async def sleep():
    await asyncio.sleep(SLEEP_SECONDS)


def stamp(number, path):
    now = time.time()
    with open(path, "a") as file:
        file.write(f"{number} {now:.6f}\n")


def payloads(kind, jobs, path=None):
    """One dict of arguments per job."""
    return [{"number": number, **({"path": path} if kind == "stamp" else {})} for number in range(jobs)]
