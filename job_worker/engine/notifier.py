"""Tell the workers that jobs were enqueued.

NOTIFY inside the enqueuing transaction takes a lock of the whole database at commit,
so it is sent after the commit, from a connection of its own, at most once in
:data:`MIN_INTERVAL_SECONDS` per process and database. It is a hint: workers poll too.
"""

import logging
import os
import threading

import psycopg2

CHANNEL = "queue_job_wake_up"
MIN_INTERVAL_SECONDS = 0.02
IDLE_SECONDS = 30

_logger = logging.getLogger(__name__)
_notifiers = {}
_lock = threading.Lock()


def notify_workers(db_name, dsn, channel=CHANNEL):
    """Wake the workers of ``db_name``, soon and without waiting for it.

    :param dsn: callable giving the keyword arguments of ``psycopg2.connect`` for a database's name
    :param str channel: a constant of the engine
    """
    key = (os.getpid(), db_name)  # threads don't survive a fork, so a child needs its own
    with _lock:
        notifier = _notifiers.get(key)
        if notifier is None or not notifier.request(channel):
            _notifiers[key] = _Notifier(dsn(db_name), channel)


class _Notifier(threading.Thread):
    """Sends one NOTIFY for all requests of an interval; ends after a while without any."""

    def __init__(self, dsn, channel):
        super().__init__(name="job_worker.notifier", daemon=True)
        self._dsn = dsn
        self._requested = {channel}
        self._ended = False
        self._condition = threading.Condition()
        self.start()

    def request(self, channel):
        """Ask for a NOTIFY. False when this thread has ended."""
        with self._condition:
            self._requested.add(channel)
            self._condition.notify()
            return not self._ended

    def run(self):
        try:
            connection = psycopg2.connect(**self._dsn)
            connection.autocommit = True
            with connection.cursor() as cursor:
                while channels := self._await_request():
                    for channel in channels:
                        cursor.execute(f"NOTIFY {channel}")
                    threading.Event().wait(MIN_INTERVAL_SECONDS)
            connection.close()
        except psycopg2.Error as error:
            # Polling finds the jobs; the next enqueue starts a new thread.
            _logger.warning("Can't wake the workers, they will find the jobs by polling: %s", error)
        finally:
            with self._condition:
                self._ended = True

    def _await_request(self):
        with self._condition:
            if not self._condition.wait_for(lambda: self._requested, IDLE_SECONDS):
                self._ended = True
                return set()
            channels, self._requested = self._requested, set()
            return channels
