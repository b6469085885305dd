"""The call that a job stands for: packed at enqueue, rebuilt where it runs."""

from dataclasses import dataclass

from odoo import api, models
from odoo.tools import SQL

from ..exception import JobDecodeError, JobOptionError, MissingCodeError
from . import payload

_ASK = object()


@dataclass(frozen=True)
class Call:
    """``method(*args, **kwargs)``, a bound method of records in the job's environment."""

    method: object
    args: list
    kwargs: dict

    def __call__(self):
        return self.method(*self.args, **self.kwargs)


class JobUuid(str):
    """The UUID in the context of a running job: RPC brings text into a context, but no text of this type."""

    __slots__ = ()


def pack(records, args, kwargs):
    """Return the payload text of a call on ``records``.

    :raise JobOptionError: something in it can't be stored
    """
    return payload.dump(
        {
            "ids": payload.record_ids(records, "the recordset"),
            "args": payload.to_json(args, "args"),
            "kwargs": {name: payload.to_json(value, f"kwargs[{name!r}]") for name, value in kwargs.items()},
            "context": _pack_context(records._job_prepare_context_before_enqueue()),
            "su": records.env.su,
        }
    )


def _pack_context(context):
    """A context as stored: without recordsets, for it is read before there is an environment."""
    stored = payload.to_json(context, "context")
    for key, value in context.items():
        if isinstance(value, models.BaseModel):
            raise JobOptionError(f"context[{key!r}] can't be stored in a job: give ids, not the records {value!r}")
    return stored


def job_environment(cr, job, user_is_active=_ASK):
    """The environment that ``job`` runs in: its user, companies, language, time zone and context.

    :param job: :class:`~..engine.job.ClaimedJob`
    :param user_is_active: of its user, None when there is none; left out, it is read
    :raise JobDecodeError: the user is gone or inactive; nothing ever falls back to the superuser
    """
    if user_is_active is _ASK:
        cr.execute("SELECT active FROM res_users WHERE id = %s", [job.user_id])
        (user_is_active,) = cr.fetchone() or (None,)
    if user_is_active is None or not (user_is_active or _is_archived_by_design(cr, job.user_id)):
        raise JobDecodeError(f"The user {job.user_id} that this job runs as is gone or inactive")
    stored = payload.load(job.payload)
    context = payload.from_json(None, stored.get("context") or {})
    if job.company_id:
        # Without the web client's choice of companies, the job keeps the one it was enqueued in.
        context.setdefault("allowed_company_ids", [job.company_id])
    return api.Environment(cr, job.user_id, {**context, "job_uuid": JobUuid(job.uuid)}, bool(stored.get("su")))


def _is_archived_by_design(cr, user_id):
    """Whether Odoo keeps this user archived and works as it all the same: the superuser, website visitors."""
    root = api.Environment(cr, api.SUPERUSER_ID, {})
    return user_id == api.SUPERUSER_ID or root["res.users"].browse(user_id).has_group("base.group_public")


def unpack(env, job):
    """Rebuild the call of ``job`` in ``env``.

    :raise MissingCodeError: there is no such model or method, perhaps not yet
    :raise JobDecodeError: the arguments or the records can't be had
    """
    if job.model_name not in env:
        raise MissingCodeError(f"The model {job.model_name!r} doesn't exist in this database")
    stored = payload.load(job.payload)
    records = env[job.model_name].browse(stored.get("ids") or ())
    method = getattr(records, job.method_name, None)
    if not callable(method):
        raise MissingCodeError(f"The model {job.model_name!r} has no method {job.method_name!r}")
    args = [payload.from_json(env, value) for value in stored.get("args") or []]
    kwargs = {name: payload.from_json(env, value) for name, value in (stored.get("kwargs") or {}).items()}
    _check_existence(records)
    return Call(method, args, kwargs)


def _check_existence(records):
    """Raise when some of ``records`` were deleted since the job was enqueued."""
    if not records._ids or not records._auto or records._abstract:
        return
    records.env.cr.execute(
        SQL("SELECT id FROM %s WHERE id = ANY(%s)", SQL.identifier(records._table), list(records._ids))
    )
    existing = {id_ for (id_,) in records.env.cr.fetchall()}
    vanished = [id_ for id_ in records._ids if id_ not in existing]
    if vanished:
        more = ", ..." if len(vanished) > 20 else ""
        ids = ", ".join(map(str, vanished[:20]))
        raise JobDecodeError(f"Records of this job were deleted: {records._name}({ids}{more})")


def record_ids(text):
    """The ids of the records that a payload's method is called on; empty when it can't be read."""
    try:
        return payload.load(text).get("ids") or []
    except (JobDecodeError, AttributeError):
        return []


def describe(text, model_name, method_name):
    """A payload as Python would write the call, for people: ``res.partner(1, 2).write({...})``."""
    try:
        stored = payload.load(text)
        args = [_show(value) for value in stored["args"]]
        kwargs = [f"{key}={_show(value)}" for key, value in stored["kwargs"].items()]
        ids = ", ".join(map(str, stored["ids"]))
    except (JobDecodeError, LookupError, TypeError, AttributeError):
        return f"{model_name}.{method_name}(?)"
    return f"{model_name}({ids}).{method_name}({', '.join(args + kwargs)})"


def _show(value):
    """A stored value for people, with wrapped ones as what they stand for."""
    if isinstance(value, list):
        return f"[{', '.join(map(_show, value))}]"
    if not isinstance(value, dict):
        return repr(value)
    kind = value.get("_type")
    if kind is None:
        return "{" + ", ".join(f"{key!r}: {_show(item)}" for key, item in value.items()) + "}"
    if kind == "records":
        return f"{value['model']}({', '.join(map(str, value['ids']))})"
    if "items" in value and isinstance(value["items"], list):
        return f"{kind}({_show(value['items'])})"
    return f"{kind}({value.get('value', value)!r})"
