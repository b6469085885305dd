"""Commits per second of clients that enqueue one job per transaction, with and without waking the workers.

Each client is a process of its own, as the workers of a web server are. A listener is connected, as a worker would be.
"""

import json
import multiprocessing
import os
import time
from statistics import median

from odoo.addons.job_worker.engine.notifier import CHANNEL, notify_workers
from odoo.addons.job_worker.runtime import database

from . import RESULT
from .about import about

WAYS = ("without", "after", "inside")
_WARM_UP_SECONDS = 1.0
_INSERT = """
    INSERT INTO queue_job (uuid, state, model_name, method_name, payload, user_id, company_id, name, channel, priority,
                           max_retries, scheduled, attempts, create_date, write_date)
    VALUES (gen_random_uuid(), 'pending', 'res.partner', 'write', '{"records": [1]}', 1, 1, 'Benchmark', 'root', 10, 5,
            FALSE, 0, now() AT TIME ZONE 'UTC', now() AT TIME ZONE 'UTC')
"""


def main(env, *, module, distribution, checkpoint_user, clients, seconds, rounds):
    """Measure each number of clients in each way and print the answer for the harness."""
    db_name, facts = env.cr.dbname, about(env, module, distribution)
    env.cr.rollback()
    rows = [_measure_clients(db_name, count, seconds, rounds) for count in clients]
    print("\n" + RESULT + json.dumps({"about": facts, "rows": rows}), flush=True)


def _measure_clients(db_name, clients, seconds, rounds):
    """Medians of the rates and of the ratios to the measurement without, of rounds in turns."""
    rates = {way: [] for way in WAYS}
    for _round in range(rounds):
        for way in WAYS:
            rates[way].append(_rate(db_name, clients, way, seconds))
    ratios = {
        way: median(rate / base for rate, base in zip(rates[way], rates["without"], strict=True)) for way in WAYS[1:]
    }
    return {"clients": clients, "rates": {way: median(values) for way, values in rates.items()}, **ratios}


def _rate(db_name, clients, way, seconds):
    """Commits per second of all clients together."""
    listener = database.connect(db_name)
    listener.autocommit = True
    with listener.cursor() as cursor:
        cursor.execute("TRUNCATE queue_job CASCADE")
        cursor.execute(f"LISTEN {CHANNEL}")
    context = multiprocessing.get_context("fork")
    barrier, counts = context.Barrier(clients + 1), context.Queue()
    processes = [
        context.Process(target=_client, args=(db_name, way, seconds, barrier, counts)) for _client_ in range(clients)
    ]
    for process in processes:
        process.start()
    barrier.wait()
    total = sum(counts.get() for _process in processes)
    for process in processes:
        process.join()
    listener.close()
    return total / seconds


def _client(db_name, way, seconds, barrier, counts):
    connection = database.connect(db_name)
    cursor = connection.cursor()
    if way == "after":
        notify_workers(db_name, database.dsn)  # its thread and connection live on in a server
        time.sleep(_WARM_UP_SECONDS)
    barrier.wait()
    count, end = 0, time.monotonic() + seconds
    while time.monotonic() < end:
        cursor.execute(_INSERT)
        if way == "inside":
            cursor.execute(f"NOTIFY {CHANNEL}")
        connection.commit()
        if way == "after":
            notify_workers(db_name, database.dsn)
        count += 1
    counts.put(count)
    counts.close()
    counts.join_thread()
    os._exit(0)  # nothing of the shell that this was forked from
