"""Prints the jobs from an id on as one JSON line, twice a second: `jobs.py CONF DATABASE FIRST_ID`."""

import json
import sys
import time

from database import connect, connection_options

_PAUSE_SECONDS = 0.5
_QUERY = """
    SELECT id, uuid, name, state, attempts, duration
      FROM queue_job
     WHERE id >= %s
  ORDER BY id DESC
     LIMIT 200
"""


def main(conf, database, first_id):
    """Ends when nobody reads any more."""
    cursor = connect(connection_options(conf), database).cursor()
    while True:
        cursor.execute(_QUERY, [int(first_id)])
        columns = [column.name for column in cursor.description]
        jobs = [dict(zip(columns, row, strict=True)) for row in reversed(cursor.fetchall())]
        print(json.dumps(jobs), flush=True)
        time.sleep(_PAUSE_SECONDS)


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except BrokenPipeError:
        sys.stderr.close()
