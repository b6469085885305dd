"""The requests that the screens of the queue make, timed on the server with many jobs in the table."""

import json
import statistics
import time
from pathlib import Path

import psycopg2
from lxml import etree

from odoo import sql_db

from . import RESULT
from .about import about

_SQL = Path(__file__).with_name("many_jobs.sql")
_REPETITIONS = 5
_USERS = 20
# What the web client asks for in a list: Odoo counts no further than this.
_COUNT_LIMIT = 10_001
_LIST = (
    "name",
    "channel",
    "user_id",
    "attempts",
    "create_date",
    "duration",
    "progress",
    "elapsed",
    "state",
    "wait_reason",
)


class Screens:
    """Each method makes the requests of one screen, as the web client does."""

    def __init__(self, env):
        self._jobs = env["queue.job"]
        self._last = self._jobs.search([], limit=1, order="id desc").id
        self._new_company = env["res.company"].search([], limit=1, order="id desc").id

    def list(self, domain=()):
        self._jobs.web_search_read(
            list(domain), {name: {} for name in _LIST}, limit=80, order="id desc", count_limit=_COUNT_LIMIT
        )

    def filtered(self, name):
        """The list with a filter of the search view."""
        self.list(self._filters()[name])

    def company(self):
        """The list of a company without jobs, chosen in the search panel."""
        self.list([("company_id", "=", self._new_company)])

    def grouped(self, by):
        self._jobs.web_read_group([], [by], ["__count"], limit=80)

    def kanban(self):
        self._jobs.web_read_group(
            [],
            ["state"],
            ["__count"],
            auto_unfold=True,
            unfold_read_default_limit=20,
            unfold_read_specification={name: {} for name in _LIST},
        )

    def search_panel(self):
        for name in ("state", "company_id"):
            self._jobs.search_panel_select_range(name, expand=True, enable_counters=False, limit=200)

    def form(self):
        arch = self._jobs.get_view(view_type="form")
        names = [name for name in arch["models"]["queue.job"] if name in self._jobs._fields]
        self._jobs.browse(self._last).web_read({name: {} for name in names})

    def _filters(self):
        arch = etree.fromstring(self._jobs.get_view(view_type="search")["arch"])
        context = {"uid": self._jobs.env.uid}
        return {
            node.get("name"): eval(node.get("domain"), context)  # noqa: S307  (the arch is our own)
            for node in arch.iter("filter")
            if node.get("domain")
        }


SCREENS = (
    ("list", "list", ()),
    ("form", "form", ()),
    ("kanban by state", "kanban", ()),
    ("search panel", "search_panel", ()),
    ("search panel, a company without jobs", "company", ()),
    *(
        (f"grouped by {by}", "grouped", (by,))
        for by in (
            "state",
            "channel",
            "model_name",
            "method_name",
            "user_id",
            "company_id",
            "exc_name",
            "enqueued_on:day",
        )
    ),
    *(
        (f"filter {name}", "filtered", (name,))
        for name in (
            "mine",
            "pending",
            "started",
            "done",
            "failed",
            "failed_today",
            "stuck",
            "slow",
            "retried",
            "scheduled",
        )
    ),
)


def main(env, *, module, distribution, checkpoint_user, jobs):
    """Fill the table, measure every screen as a manager and print the answer for the harness.

    :param int jobs: rows of ``queue_job``
    """
    del checkpoint_user
    _fill(env, jobs)
    env = env(user=env.ref("base.user_admin"))
    rows = [_measure(env, title, method, args) for title, method, args in SCREENS]
    print("\n" + RESULT + json.dumps({"about": about(env, module, distribution), "rows": rows}), flush=True)


def _fill(env, jobs):
    env.cr.execute("TRUNCATE queue_job CASCADE")
    users = env["res.users"].create([{"name": f"User {n}", "login": f"benchmark-{n}"} for n in range(_USERS)])
    users |= env.ref("base.user_admin")
    values = {"jobs": jobs, "users": users.ids, "company": env.company.id}
    env.ref("base.user_admin").company_ids |= env["res.company"].create({"name": "Without Jobs"})
    env.flush_all()
    env.cr.execute(_SQL.read_text(), values)
    env.cr.commit()
    connection = psycopg2.connect(**sql_db.connection_info_for(env.cr.dbname)[1])
    connection.autocommit = True
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE queue_job")  # as autovacuum does
    connection.close()


def _measure(env, title, method, args):
    """The median of some calls, each in a transaction of its own with a cold cache of records."""
    seconds, statements = [], 0
    for _repetition in range(_REPETITIONS + 1):
        env.cr.commit()
        env.invalidate_all()
        call = getattr(Screens(env), method)
        env.invalidate_all()
        before, started = sql_db.sql_counter, time.perf_counter()
        call(*args)
        seconds.append(time.perf_counter() - started)
        statements = sql_db.sql_counter - before
    return {"screen": title, "milliseconds": statistics.median(seconds[1:]) * 1000, "statements": statements}
