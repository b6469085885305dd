"""Procrastinate: `procrastinate_peer.py agent|worker [CONCURRENCY]`."""

import asyncio
import sys
import time

import procrastinate
import psycopg
import psycopg_pool
from common import RECORDS, WRITE, database, make_records, paced, payloads, serve, sleep, stamp

_UPDATE = WRITE.format("%s", "%s")


def make_app(connector):
    """The app with the measured tasks; `write` needs the app's `records` pool."""
    app = procrastinate.App(connector=connector)

    @app.task(name="noop")
    async def _noop(number):
        pass

    @app.task(name="write")
    async def _write(number):
        async with app.records.connection() as connection:
            await connection.execute(_UPDATE, [number, number % RECORDS])

    @app.task(name="sleep")
    async def _sleep(number):
        await sleep()

    @app.task(name="stamp")
    async def _stamp(number, path):
        stamp(number, path)

    return app


class Commands:
    """What the harness may ask for; see inside/agent.py."""

    def __init__(self, app):
        self._app = app

    def install(self):
        self._app.schema_manager.apply_schema()
        with psycopg.connect(autocommit=True, **database()) as connection:
            make_records(connection)

    def enqueue(self, kind, jobs):
        begin = time.perf_counter()
        self._app.tasks[kind].batch_defer(*payloads(kind, jobs))
        return time.perf_counter() - begin

    def enqueue_each(self, kind, jobs):
        begin = time.perf_counter()
        for arguments in payloads(kind, jobs):
            self._app.tasks[kind].defer(**arguments)
        return time.perf_counter() - begin

    def enqueue_batches(self, kind, jobs, size):
        return sum(self.enqueue(kind, min(size, jobs - done)) for done in range(0, jobs, size))

    def enqueue_paced(self, jobs, rate, path):
        def enqueue(number):
            self._app.tasks["stamp"].defer(number=number, path=path)
            return time.time()

        return paced(enqueue, jobs, rate)


def run_agent():
    app = make_app(procrastinate.SyncPsycopgConnector(kwargs=database()))
    with app.open():
        serve(Commands(app))


async def run_worker(concurrency):
    app = make_app(procrastinate.PsycopgConnector(kwargs=database(), min_size=4, max_size=4 + concurrency))
    options = {"kwargs": {**database(), "autocommit": True}, "min_size": 1, "max_size": concurrency}
    async with psycopg_pool.AsyncConnectionPool(open=False, **options) as app.records, app.open_async():
        await app.run_worker_async(concurrency=concurrency)


if __name__ == "__main__":
    if sys.argv[1] == "agent":
        run_agent()
    else:
        asyncio.run(run_worker(int(sys.argv[2])))
