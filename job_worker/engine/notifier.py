"""Tell the workers that jobs were enqueued.

NOTIFY inside the enqueuing transaction takes a lock of the whole server at commit, so it is sent
after the commit, from a connection of its own. The first one after a rest is sent at once. Under
load, processes share: one of them gathers for :data:`GATHER_SECONDS`, under an advisory lock, and
notifies for all who find the lock held, for its notification is younger than their commits. The more
processes share, the more seldom each of them looks.
It is a hint: workers poll too.
"""

import logging
import os
import threading
import time

import psycopg2

from .queries import QUERIES

CHANNEL = "queue_job_wake_up"
# Between two notifications of a process alone; in a crowd, doubling while others notify.
MIN_INTERVAL_SECONDS = 0.01
SHARED_INTERVAL_SECONDS = 0.1
MAX_SHARED_INTERVAL_SECONDS = 0.4
# How long one gathers for all: alone, and where others were seen to do so.
GATHER_SECONDS = 0.005
CROWDED_GATHER_SECONDS = 0.02
IDLE_SECONDS = 30
NOTIFIER_LOCK_CLASS = 0x6A706E  # "jpn"

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
                self._serve(cursor)
            connection.close()
        except psycopg2.Error as error:
            # Polling finds the jobs; the next enqueue starts a new thread.
            _logger.warning("Can't wake the workers, they will find the jobs by polling: %s", error)
        finally:
            with self._condition:
                self._ended = True

    def _serve(self, cursor):
        rested, crowded, shared_interval = True, False, SHARED_INTERVAL_SECONDS
        while channels := self._await_request():
            gather = CROWDED_GATHER_SECONDS if crowded else GATHER_SECONDS
            sent = [
                _notify(cursor, channel) if rested else _notify_for_all(cursor, channel, gather) for channel in channels
            ]
            if all(sent):
                time.sleep(SHARED_INTERVAL_SECONDS if crowded else MIN_INTERVAL_SECONDS)
                shared_interval = SHARED_INTERVAL_SECONDS
            else:
                time.sleep(shared_interval)
                shared_interval = min(2 * shared_interval, MAX_SHARED_INTERVAL_SECONDS)
            rested = not self._requested
            crowded = not rested and (crowded or not all(sent))

    def _await_request(self):
        with self._condition:
            if not self._condition.wait_for(lambda: self._requested, IDLE_SECONDS):
                self._ended = True
                return set()
            channels, self._requested = self._requested, set()
            return channels


def _notify(cursor, channel):
    # A lost hint is no harm, so its commit, which holds the lock, doesn't wait for the disk.
    cursor.execute(f"BEGIN; SET LOCAL synchronous_commit = off; NOTIFY {channel}; COMMIT")
    return True


def _notify_for_all(cursor, channel, gather_seconds):
    """Notify for the requests of all processes. False when another process is about to do it."""
    lead = f"BEGIN; SET LOCAL synchronous_commit = off; {QUERIES['lead_notifiers']}"
    cursor.execute(lead, {"lock_class": NOTIFIER_LOCK_CLASS, "channel": channel})
    (leads,) = cursor.fetchone()
    if leads:
        time.sleep(gather_seconds)
    cursor.execute(f"NOTIFY {channel}; COMMIT" if leads else "ROLLBACK")
    return leads
