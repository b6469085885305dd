"""The monitor's SQL, read once from ``queries.sql``."""

from pathlib import Path
from types import MappingProxyType

from odoo.tools import SQL

from odoo.addons.job_worker.engine.queries import parse_queries
from odoo.addons.job_worker.engine.workers import WORKER_LOCK_CLASS

from .histogram import CEILING_SECONDS, FLOOR_SECONDS, GROWTH

QUERIES = MappingProxyType(parse_queries(Path(__file__).with_suffix(".sql").read_text()))
_CONSTANTS = {"floor": FLOOR_SECONDS, "ceiling": CEILING_SECONDS, "growth": GROWTH, "lock_class": WORKER_LOCK_CLASS}


def query(name, **params):
    """A named statement as :class:`~odoo.tools.SQL`, with its parameters."""
    return SQL(QUERIES[name], **_CONSTANTS, **params)
