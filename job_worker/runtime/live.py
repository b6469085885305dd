"""Tell the people who look at jobs that something has changed.

A message says only that: a page reads what it shows by itself. It is sent at most once a second
per process, and only while somebody looks (see ``queue.job.live_watch``). A page that hears of
one looks again a moment later, so nothing is missed by what the interval swallows.
"""

import logging
import time

import psycopg2

from odoo import SUPERUSER_ID, api

CHANNEL = "job_worker.live"
MESSAGE = "job_worker/live"
MIN_INTERVAL_SECONDS = 1.0

_logger = logging.getLogger(__name__)
_told_at = {}


def tell(registry, job, outcome):
    """Say that ``job`` has changed; never raises, and waits for nothing but one short transaction.

    :param registry: the database's registry
    :param job: :class:`~..engine.job.ClaimedJob`, or anything with an ``id``
    :param str outcome: what became of it, for the log
    """
    now = time.monotonic()
    if now - _told_at.get(registry.db_name, -MIN_INTERVAL_SECONDS) < MIN_INTERVAL_SECONDS:
        return
    _told_at[registry.db_name] = now
    try:
        with registry.cursor() as cr:
            if _is_watched(cr):
                env = api.Environment(cr, SUPERUSER_ID, {})
                env["bus.bus"]._sendone(CHANNEL, MESSAGE, {})
    except psycopg2.Error as error:
        _logger.info("Can't tell that job %s is %s: %s", job.id, outcome, str(error).strip())


def _is_watched(cr):
    cr.execute("SELECT 1 FROM queue_job_live WHERE watched_until > now() AT TIME ZONE 'UTC' LIMIT 1")
    return cr.fetchone() is not None
