"""Jobs' arguments as JSON text, and back.

What JSON lacks is wrapped as ``{"_type": kind, ...}``. Decoding builds values from data
alone; nothing in a payload is ever evaluated or imported.
"""

import json
from datetime import date, datetime

from odoo.models import BaseModel

from ..exception import JobDecodeError, JobOptionError

_TYPE = "_type"


def encode(value, where="value"):
    """Return ``value`` as JSON text.

    :param str where: what the value is, for the error message
    :raise JobOptionError: a part of it can't be stored; the message has the path to it
    """
    return json.dumps(_to_json(value, where), separators=(",", ":"))


def decode(env, text):
    """Rebuild what :func:`encode` stored; recordsets are browsed in ``env``.

    :raise JobDecodeError: the text is damaged or names an unknown type or model
    """
    try:
        return _from_json(env, json.loads(text))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise JobDecodeError(f"The stored arguments can't be read: {error}") from error


def _to_json(value, where):
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, list):
        return [_to_json(item, f"{where}[{index}]") for index, item in enumerate(value)]
    if isinstance(value, dict):
        return _dict_to_json(value, where)
    if isinstance(value, tuple):
        return {_TYPE: "tuple", "items": _to_json(list(value), where)}
    if isinstance(value, datetime):
        return {_TYPE: "datetime", "value": value.isoformat()}
    if isinstance(value, date):
        return {_TYPE: "date", "value": value.isoformat()}
    if isinstance(value, BaseModel):
        return _records_to_json(value, where)
    raise JobOptionError(f"{where} can't be stored in a job: {type(value).__name__} is not supported")


def _dict_to_json(value, where):
    for key in value:
        if not isinstance(key, str):
            raise JobOptionError(f"{where} can't be stored in a job: its key {key!r} is not a string")
    items = {key: _to_json(item, f"{where}[{key!r}]") for key, item in value.items()}
    return {_TYPE: "dict", "items": items} if _TYPE in value else items


def _records_to_json(records, where):
    if not all(records._ids) or not all(isinstance(id_, int) for id_ in records._ids):
        raise JobOptionError(f"{where} can't be stored in a job: {records!r} holds an unsaved record")
    return {_TYPE: "records", "model": records._name, "ids": list(records._ids)}


def _from_json(env, value):
    if isinstance(value, list):
        return [_from_json(env, item) for item in value]
    if not isinstance(value, dict):
        return value
    if _TYPE not in value:
        return {key: _from_json(env, item) for key, item in value.items()}
    try:
        revive = _REVIVE[value[_TYPE]]
    except KeyError as error:
        raise JobDecodeError(f"The stored arguments hold a value of unknown type {value[_TYPE]!r}") from error
    return revive(env, value)


def _revive_records(env, value):
    if value["model"] not in env:
        raise JobDecodeError(f"The model {value['model']!r} of an argument doesn't exist in this database")
    return env[value["model"]].browse(value["ids"])


_REVIVE = {
    "dict": lambda env, value: {key: _from_json(env, item) for key, item in value["items"].items()},
    "tuple": lambda env, value: tuple(_from_json(env, value["items"])),
    "datetime": lambda env, value: datetime.fromisoformat(value["value"]),
    "date": lambda env, value: date.fromisoformat(value["value"]),
    "records": _revive_records,
}
