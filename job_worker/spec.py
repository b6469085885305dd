"""A job before it is stored."""

from uuid import uuid4

from .exception import JobOptionError
from .options import DEFAULTS
from .runtime import call


class JobSpec:
    """One call to enqueue, with its options: what hooks and identity keys look at.

    :param records: the recordset of the call
    :param str method_name: a method of it
    :param list args: positional arguments
    :param dict kwargs: keyword arguments
    :param dict options: checked options, see :func:`~.options.check_options`
    :raise JobOptionError: the method doesn't exist, or something can't be stored
    """

    __slots__ = ("args", "kwargs", "method_name", "recordset", "uuid", "values")

    def __init__(self, records, method_name, args, kwargs, options):
        if not callable(getattr(type(records), method_name, None)):
            raise JobOptionError(f"Can't enqueue: the model {records._name!r} has no method {method_name!r}")
        self.recordset = records
        self.method_name = method_name
        self.args = args
        self.kwargs = kwargs
        self.uuid = str(uuid4())
        defaults = records.env["queue.job.function"]._get_defaults(records._name, method_name)
        self.values = {**DEFAULTS, **defaults, **options}

    @property
    def model_name(self):
        return self.recordset._name

    def __getattr__(self, name):
        # Options as attributes (job.priority, job.channel, ...), for hooks and identity keys.
        try:
            return self.values["name" if name == "description" else "scheduled_at" if name == "eta" else name]
        except KeyError:
            raise AttributeError(name) from None

    def store_values(self):
        """The ``queue.job`` column values of this call."""
        records, env = self.recordset, self.recordset.env
        values = {
            "uuid": self.uuid,
            "state": "pending",
            "model_name": records._name,
            "method_name": self.method_name,
            "payload": call.pack(records, self.args, self.kwargs),
            "user_id": env.uid,
            "company_id": env.company.id,
            **self.values,
        }
        values.setdefault("name", f"{records._name}.{self.method_name}")
        if callable(values.get("identity_key")):
            values["identity_key"] = self._make_identity_key(values["identity_key"])
        values.update(records._job_store_values(self) or {})
        return values

    def _make_identity_key(self, make):
        key = make(self)
        if not isinstance(key, str) or not key:
            raise JobOptionError(f"identity_key must give a text that is not empty, not {key!r}")
        return key
