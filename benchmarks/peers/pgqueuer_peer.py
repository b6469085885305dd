"""PgQueuer: `pgqueuer_peer.py agent|worker [CONCURRENCY]`."""

import asyncio
import contextlib
import json
import signal
import sys
import time

import asyncpg
from common import RECORDS, WRITE, database, paced, payloads, serve, sleep, stamp
from pgqueuer import PgQueuer
from pgqueuer.db import AsyncpgDriver
from pgqueuer.queries import Queries

_UPDATE = WRITE.format("$1", "$2")


def connection_options():
    """asyncpg's names of libpq's options."""
    options = database()
    return {"database": options.pop("dbname"), **options}


class Commands:
    """What the harness may ask for; see inside/agent.py."""

    def __init__(self, loop, queries):
        self._loop = loop
        self._queries = queries

    def install(self):
        self._loop.run_until_complete(self._queries.install())
        self._loop.run_until_complete(self._queries.driver.execute(_MAKE_RECORDS))

    def enqueue(self, kind, jobs):
        begin = time.perf_counter()
        encoded = [json.dumps(arguments).encode() for arguments in payloads(kind, jobs)]
        self._enqueue([kind] * jobs, encoded, [0] * jobs)
        return time.perf_counter() - begin

    def enqueue_each(self, kind, jobs):
        begin = time.perf_counter()
        for arguments in payloads(kind, jobs):
            self._enqueue(kind, json.dumps(arguments).encode(), 0)
        return time.perf_counter() - begin

    def enqueue_batches(self, kind, jobs, size):
        return sum(self.enqueue(kind, min(size, jobs - done)) for done in range(0, jobs, size))

    def enqueue_paced(self, jobs, rate, path):
        def enqueue(number):
            self._enqueue("stamp", json.dumps({"number": number, "path": path}).encode(), 0)
            return time.time()

        return paced(enqueue, jobs, rate)

    def _enqueue(self, *arguments):
        self._loop.run_until_complete(self._queries.enqueue(*arguments))


def run_agent():
    loop = asyncio.new_event_loop()
    connection = loop.run_until_complete(asyncpg.connect(**connection_options()))
    serve(Commands(loop, Queries(AsyncpgDriver(connection))))


async def run_worker(concurrency):
    connection = await asyncpg.connect(**connection_options())
    records = await asyncpg.create_pool(min_size=1, max_size=concurrency, **connection_options())
    pgq = PgQueuer(AsyncpgDriver(connection))

    @pgq.entrypoint("noop")
    async def _noop(job):
        pass

    @pgq.entrypoint("write")
    async def _write(job):
        number = json.loads(job.payload)["number"]
        await records.execute(_UPDATE, number, number % RECORDS)

    @pgq.entrypoint("sleep")
    async def _sleep(job):
        await sleep()

    @pgq.entrypoint("stamp")
    async def _stamp(job):
        stamp(**json.loads(job.payload))

    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, pgq.shutdown.set)
    # It wants at least twice as many tasks as the batch.
    await pgq.run(batch_size=concurrency // 2, max_concurrent_tasks=concurrency)


_MAKE_RECORDS = """
    CREATE TABLE IF NOT EXISTS bench_record AS
        SELECT number AS id, 0 AS counter FROM generate_series(0, 999) number;
    CREATE UNIQUE INDEX IF NOT EXISTS bench_record_id ON bench_record (id);
"""

if __name__ == "__main__":
    if sys.argv[1] == "agent":
        run_agent()
    else:
        with contextlib.suppress(KeyboardInterrupt):
            asyncio.run(run_worker(int(sys.argv[2])))
