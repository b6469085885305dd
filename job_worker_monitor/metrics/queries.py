"""The monitor's SQL, read once from the files in ``sql/``, one per duty."""

from pathlib import Path
from types import MappingProxyType

from odoo.tools import SQL

from odoo.addons.job_worker.engine.queries import parse_queries
from odoo.addons.job_worker.engine.workers import WORKER_LOCK_CLASS

from . import periods
from .histogram import CEILING_SECONDS, FLOOR_SECONDS, GROWTH

_TEXTS = [path.read_text() for path in sorted(Path(__file__).with_name("sql").glob("*.sql"))]
QUERIES = MappingProxyType(parse_queries("\n".join(_TEXTS)))
_CONSTANTS = {"floor": FLOOR_SECONDS, "ceiling": CEILING_SECONDS, "growth": GROWTH, "lock_class": WORKER_LOCK_CLASS}


def query(name, **params):
    """A named statement, or a part of one, as :class:`~odoo.tools.SQL`, with its parameters."""
    return SQL(QUERIES[name], **_CONSTANTS, **params)


def count_minutes(start, end):
    """The statement that counts what has ended from ``start`` on, by minute, and stores those minutes."""
    return _store(periods.MINUTE, query("minutes_of_jobs", start=start, end=end))


def sum_minutes(start, end):
    """The statement that adds up the stored minutes from ``start`` on to one row of each, company and outcome."""
    return _store(periods.MINUTE, query("sums_of_minutes", start=start, end=end, merged=query("merged")))


def fold_metrics(resolution, part, unit, start, end):
    """The statement that adds up periods to longer ones.

    :param str resolution: that of the longer ones
    :param str part: that of what is added up
    :param str unit: what the starts are cut to, in words of ``date_trunc``
    """
    params = {"resolution": resolution, "part": part, "unit": unit, "start": start, "end": end}
    return _store(resolution, query("longer_periods", merged=query("merged"), **params))


def _store(resolution, part):
    return query("store_metrics", resolution=resolution, part=part)
