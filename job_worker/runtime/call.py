"""The call that a job stands for: packed at enqueue, rebuilt where it runs."""

import json
from dataclasses import dataclass

from odoo import api

from ..exception import JobDecodeError
from . import payload

# Of the enqueuer's context only these follow the job; the rest belongs to its request.
CONTEXT_KEYS = ("lang", "tz", "allowed_company_ids")


@dataclass(frozen=True)
class Call:
    """``method(*args, **kwargs)``, a bound method of records in the job's environment."""

    method: object
    args: list
    kwargs: dict

    def __call__(self):
        return self.method(*self.args, **self.kwargs)


def pack(records, args, kwargs):
    """Return the payload text of a call on ``records``.

    :raise JobOptionError: something in it can't be stored
    """
    context = {key: records.env.context[key] for key in CONTEXT_KEYS if key in records.env.context}
    parts = {
        "records": payload.encode(records, "the recordset"),
        "args": payload.encode(list(args), "args"),
        "kwargs": payload.encode(kwargs, "kwargs"),
        "context": payload.encode(context, "context"),
    }
    return "{" + ",".join(f'"{name}":{text}' for name, text in parts.items()) + "}"


def job_environment(cr, job):
    """The environment that ``job`` runs in: its user, companies, language and time zone.

    :param job: :class:`~..engine.job.ClaimedJob`
    :raise JobDecodeError: the user is gone or inactive; nothing ever falls back to the superuser
    """
    root = api.Environment(cr, api.SUPERUSER_ID, {})
    user = root["res.users"].browse(job.user_id).exists()
    if not user or not (user.active or user.id == api.SUPERUSER_ID):
        raise JobDecodeError(f"The user {job.user_id} that this job runs as is gone or inactive")
    context = payload.decode(root, job.payload).get("context") or {}
    return api.Environment(cr, user.id, {**context, "job_uuid": job.uuid})


def unpack(env, job):
    """Rebuild the call of ``job`` in ``env``.

    :raise JobDecodeError: the model, the method or the arguments can't be had
    """
    if job.model_name not in env:
        raise JobDecodeError(f"The model {job.model_name!r} doesn't exist in this database")
    stored = payload.decode(env, job.payload)
    method = getattr(stored["records"], job.method_name, None)
    if not callable(method):
        raise JobDecodeError(f"The model {job.model_name!r} has no method {job.method_name!r}")
    return Call(method, stored["args"], stored["kwargs"])


def describe(text, method_name):
    """A payload as Python would write the call, for people: ``res.partner(1, 2).write({...})``."""
    stored = json.loads(text)
    records = stored["records"]
    args = [_show(value) for value in stored["args"]]
    kwargs = [f"{key}={_show(value)}" for key, value in stored["kwargs"].items()]
    ids = ", ".join(map(str, records["ids"]))
    return f"{records['model']}({ids}).{method_name}({', '.join(args + kwargs)})"


def _show(value):
    if isinstance(value, dict) and value.get("_type") == "records":
        return f"{value['model']}({', '.join(map(str, value['ids']))})"
    if isinstance(value, dict) and value.get("_type") == "tuple":
        return f"({', '.join(map(_show, value['items']))})"
    if isinstance(value, dict) and "_type" in value:
        return str(value.get("value", value))
    return repr(value)
