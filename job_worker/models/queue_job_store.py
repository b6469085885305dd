"""Storing jobs: one INSERT for any number of them, one more for their edges."""

from functools import lru_cache

from odoo import api, models
from odoo.tools import SQL

from ..engine import states
from ..engine.notifier import notify_workers
from ..exception import JobOptionError
from ..runtime import database

UNFINISHED_WITH_KEY = "identity_key IS NOT NULL AND state IN ('waiting', 'pending', 'started')"
# Columns that JobSpec itself gives; others come from a hook.
_COLUMNS_OF_A_SPEC = {
    "uuid", "state", "model_name", "method_name", "payload", "user_id", "company_id", "name", "channel", "priority",
    "max_retries", "scheduled_at", "identity_key", "concurrency_key", "key_place", "timeout", "retry_pattern",
    "batch_size",
}  # fmt: skip
NOW = "now() AT TIME ZONE 'UTC'"


class QueueJob(models.Model):
    _inherit = "queue.job"

    @api.model
    def _store(self, values_list):
        """Insert jobs in one statement and wake the workers once they are committed.

        :param list values_list: dicts of column values
        :return: ``(jobs, inserted)``: the ``queue.job`` records in the order of the values,
            with the unfinished job of the same identity key in place of one that was not
            inserted, and the set of ids that were
        :raise JobOptionError: a hook gave a value for something that isn't a column
        """
        self._place_in_keys(values_list)
        if len(values_list) == 1:
            return self._store_one(values_list[0])
        names = {name: None for values in values_list for name in values}
        columns = {name: [values.get(name) for values in values_list] for name in names}
        statement, params, identified = self._insert_statement(columns, len(values_list))
        # A lost race for an identity key is tried again by whoever runs this transaction: no error to log.
        self.env.cr.execute(statement, params, log_exceptions=not identified)
        rows = self.env.cr.fetchall()
        self._wake_workers_after_commit()
        if len(rows) == len(values_list):
            jobs = self.sudo().browse([id_ for id_, _uuid in rows])
        else:
            jobs = self._merge_existing(values_list, rows)
        return jobs, {id_ for id_, _uuid in rows}

    @api.model
    def _place_in_keys(self, values_list):
        """Of the jobs with a concurrency key, one per key asks a worker to put them into their places."""
        keys = set()
        for values in values_list:
            if key := values.get("concurrency_key"):
                ready = values["state"] == states.PENDING and not values.get("scheduled_at")
                values["key_place"] = "behind" if ready and key in keys else "new"
                if ready:
                    keys.add(key)

    @api.model
    def _store_one(self, values):
        """As :meth:`_store`, by the plainest of statements: the server parses and plans it anew for each job."""
        identified = bool(values.get("identity_key"))
        for name in values.keys() - _COLUMNS_OF_A_SPEC:
            self._column_type(name)  # from a hook: it may not be a column
        statement = _make_insert_one(tuple(values), identified)
        self.env.cr.execute(statement, values, log_exceptions=not identified)
        row = self.env.cr.fetchone()
        self._wake_workers_after_commit()
        if row:
            return self.sudo().browse(row), {row[0]}
        return self._merge_existing([values], []), set()

    @api.model
    def _insert_statement(self, columns, count):
        """The INSERT of ``count`` rows: ``(statement, params, whether identity keys may collide)``.

        :param dict columns: column name to its list of values
        """
        constants, arrays = {}, {}
        for name, values in columns.items():
            # A value that all rows share is sent once.
            if values.count(values[0]) == count:
                constants[name] = values[0]
            else:
                arrays[name] = values
        identified = any(columns.get("identity_key", ()))
        types = tuple((name, self._column_type(name)) for name in (*constants, *arrays))
        statement = _make_insert(types[: len(constants)], types[len(constants) :], identified)
        # UUIDs differ, so there always is an array that gives the number of rows.
        return statement, [*constants.values(), *arrays.values()], identified

    @api.model
    def _column_type(self, name):
        field = self._fields.get(name)
        if field is None or not field.store or not field.column_type:
            raise JobOptionError(f"_job_store_values: {name!r} is not a stored field of queue.job")
        return field.column_type[0]

    @api.model
    def _merge_existing(self, values_list, rows):
        """The jobs of ``values_list`` when some were not inserted for their identity key."""
        inserted = {uuid: id_ for id_, uuid in rows}
        keys = [values["identity_key"] for values in values_list if values["uuid"] not in inserted]
        self.env.cr.execute(
            f"SELECT identity_key, id FROM queue_job WHERE identity_key = ANY(%s) AND {UNFINISHED_WITH_KEY}", [keys]
        )
        existing = dict(self.env.cr.fetchall())
        return self.sudo().browse(
            [inserted.get(values["uuid"]) or existing[values["identity_key"]] for values in values_list]
        )

    @api.model
    def _store_edges(self, graph, jobs, inserted):
        ids = dict(zip(graph.jobs, jobs._ids, strict=True))
        # A job that was in the queue before keeps its own conditions: nothing new holds it back.
        edges = [(ids[child], ids[parent], kind) for parent, child, kind in graph.edges if ids[child] in inserted]
        if not edges:
            return
        self.env.execute_query(
            SQL(
                # parent_id is the first dependency: what a tree of jobs shows.
                """WITH edge AS (
                       INSERT INTO queue_job_dependency (job_id, depends_on_id, kind, released)
                       SELECT *, FALSE FROM unnest(%s, %s, %s::text[])
                    RETURNING job_id, depends_on_id
                   )
                   UPDATE queue_job SET parent_id = first.depends_on_id
                     FROM (SELECT job_id, min(depends_on_id) AS depends_on_id FROM edge GROUP BY job_id) first
                    WHERE queue_job.id = first.job_id""",
                *map(list, zip(*edges, strict=True)),
            )
        )

    @api.model
    def _wake_workers_after_commit(self):
        postcommit = self.env.cr.postcommit
        if not postcommit.data.get("job_worker.wake"):
            postcommit.data["job_worker.wake"] = True
            db_name = self.env.cr.dbname
            postcommit.add(lambda: notify_workers(db_name, database.dsn))


@lru_cache(maxsize=256)
def _make_insert(constants, arrays, identified):
    """The text of an INSERT of many rows; its parameters are the constants, then the arrays.

    :param constants: ``(column, type)`` of the columns with one value for all rows
    :param arrays: ``(column, type)`` of those with a value per row
    :param bool identified: a row may have an identity key
    """
    names = [name for name, _type in (*constants, *arrays)]
    selected = [f"%s::{type_} AS {name}" for name, type_ in constants] + [name for name, _type in arrays]
    casts = ", ".join(f"%s::{type_}[]" for _name, type_ in arrays)
    aliases = ", ".join(name for name, _type in arrays)
    source = f"FROM unnest({casts}) WITH ORDINALITY AS item ({aliases}, position) ORDER BY position"
    scheduled = f"COALESCE(scheduled_at > {NOW}, FALSE)" if "scheduled_at" in names else "FALSE"
    # create_uid would repeat user_id, and cost one more foreign key check per row.
    return f"""INSERT INTO queue_job ({", ".join(names)}, scheduled, attempts, create_date, write_date)
        SELECT {", ".join(names)}, {scheduled}, 0, {NOW}, {NOW}
          FROM (SELECT {", ".join(selected)} {source}) job {_on_conflict(identified)}
     RETURNING id, uuid"""


@lru_cache(maxsize=256)
def _make_insert_one(names, identified):
    """The text of an INSERT of one row; its parameters are the values by column name."""
    columns = ", ".join(names)
    values = ", ".join(f"%({name})s" for name in names)
    scheduled = f"COALESCE(%(scheduled_at)s > {NOW}, FALSE)" if "scheduled_at" in names else "FALSE"
    return f"""INSERT INTO queue_job ({columns}, scheduled, attempts, create_date, write_date)
        VALUES ({values}, {scheduled}, 0, {NOW}, {NOW}) {_on_conflict(identified)} RETURNING id"""


def _on_conflict(identified):
    # The index settles the race of two enqueuers; a search before could not.
    return f"ON CONFLICT (identity_key) WHERE {UNFINISHED_WITH_KEY} DO NOTHING" if identified else ""
