"""A job before it is stored."""

from odoo.models import BaseModel

from .exception import JobOptionError
from .options import OPTION_COLUMNS
from .runtime import call
from .runtime.job_uuid import new_uuid

# What a hook may not choose: it says what the job is, whose it is and where it stands.
_RESERVED = {
    "uuid", "state", "model_name", "method_name", "payload", "user_id", "company_id", "attempts", "claim_token",
    "line_token", "worker_id", "worker_name", "graph_uuid", "parent_id", "blockers", "error_sources", "scheduled",
    "result", "exc_name", "exc_message", "exc_info", "key_place", "create_date", "write_date", "create_uid",
    "write_uid", "id",
}  # fmt: skip


class JobSpec:
    """One call to enqueue, with its options: what hooks and identity keys look at.

    Options can be read as attributes (``job.priority``, ``job.eta``), None when not set.

    :param records: the recordset of the call
    :param str method_name: a method of it
    :param list args: positional arguments
    :param dict kwargs: keyword arguments
    :param dict options: checked options, see :func:`~.options.check_options`
    :raise JobOptionError: the method doesn't exist
    """

    __slots__ = ("args", "kwargs", "method_name", "recordset", "uuid", "values")

    def __init__(self, records, method_name, args, kwargs, options):
        if not isinstance(method_name, str) or not callable(getattr(type(records), method_name, None)):
            raise JobOptionError(f"Can't enqueue: the model {records._name!r} has no method {method_name!r}")
        self.recordset = records
        self.method_name = method_name
        self.args = args
        self.kwargs = kwargs
        self.uuid = new_uuid()
        defaults = records.env["queue.job.function"]._get_defaults(records._name, method_name)
        self.values = {"name": f"{records._name}.{method_name}", **defaults, **options}

    def __getattr__(self, name):
        if name in OPTION_COLUMNS:
            return self.values.get(OPTION_COLUMNS[name])
        raise AttributeError(name)

    @property
    def env(self):
        return self.recordset.env

    @property
    def model_name(self):
        return self.recordset._name

    @property
    def user_id(self):
        return self.recordset.env.uid

    @property
    def company_id(self):
        return self.recordset.env.company.id

    def run_now(self):
        """Make the call at once, in the current transaction."""
        return getattr(self.recordset, self.method_name)(*self.args, **self.kwargs)

    def store_values(self):
        """The ``queue.job`` column values of this call.

        :raise JobOptionError: an argument, a key or a value of the hook can't be stored
        """
        records = self.recordset
        values = {
            "uuid": self.uuid,
            "state": "pending",
            "model_name": records._name,
            "method_name": self.method_name,
            "payload": call.pack(records, self.args, self.kwargs),
            "user_id": self.user_id,
            "company_id": self.company_id,
            **self.values,
        }
        for name in ("identity_key", "concurrency_key"):
            if callable(values.get(name)):
                values[name] = self._make_key(name, values[name])
        if more := records._job_store_values(self):
            values.update(_check_hook_values(more))
        return values

    def _make_key(self, name, make):
        key = make(self)
        if not isinstance(key, str) or not key or "\0" in key:
            raise JobOptionError(f"{name} must give a text that is not empty, not {key!r}")
        return key


def _check_hook_values(values):
    for name, value in values.items():
        if name in _RESERVED:
            raise JobOptionError(f"_job_store_values: {name!r} can't be chosen by a hook")
        if isinstance(value, BaseModel):
            raise JobOptionError(f"_job_store_values: give the id for {name!r}, not the record {value!r}")
    return values
