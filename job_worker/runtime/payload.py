"""Jobs' arguments and results as JSON text, and back.

What JSON lacks is wrapped as ``{"_type": kind, ...}``: tuples, sets, dicts with other keys
than text, dates, datetimes (aware ones too), decimals, bytes, markup, lxml elements and
recordsets. Decoding builds values from data alone; nothing in a payload is ever evaluated
or imported.
"""

import base64
import json
import logging
from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal

from lxml import etree
from markupsafe import Markup

from odoo.models import BaseModel
from odoo.tools.translate import LazyGettext

from ..exception import JobDecodeError, JobOptionError

_logger = logging.getLogger(__name__)
_TYPE = "_type"
MAX_RESULT_SIZE = 64 * 1024
# Of the context of a recordset among the arguments, what changes its meaning.
RECORDS_CONTEXT_KEYS = ("lang", "allowed_company_ids", "active_test")


def encode(value, where="value"):
    """Return ``value`` as JSON text.

    :param str where: what the value is, for the error message
    :raise JobOptionError: a part of it can't be stored; the message has the path to it
    """
    return dump(to_json(value, where))


def decode(env, text):
    """Rebuild what :func:`encode` stored; recordsets are browsed in ``env``.

    :raise JobDecodeError: the text is damaged, or names an unknown type or model
    """
    return from_json(env, load(text))


# Values are checked on their way in, so nothing can be circular.
dump = json.JSONEncoder(separators=(",", ":"), check_circular=False).encode


def load(text):
    try:
        return json.loads(text)
    except (ValueError, TypeError, RecursionError) as error:
        raise JobDecodeError(f"The stored data is not valid JSON: {error}") from error


def to_json(value, where):
    """Return ``value`` as plain JSON data; see :func:`encode`."""
    kind = type(value)
    if kind in _PLAIN:
        return value
    encode_kind = _ENCODERS.get(kind)
    if encode_kind is None:
        encode_kind = next((encoder for base, encoder in _SUBCLASSES if isinstance(value, base)), None)
    if encode_kind is None:
        raise JobOptionError(f"{where} can't be stored in a job: {kind.__name__} is not supported")
    return encode_kind(value, where)


def from_json(env, data):
    """Rebuild what :func:`to_json` made.

    :raise JobDecodeError: the data is damaged, or names an unknown type or model
    """
    if isinstance(data, list):
        return [from_json(env, item) for item in data]
    if not isinstance(data, dict):
        return data
    if _TYPE not in data:
        return {key: from_json(env, item) for key, item in data.items()}
    kind = data[_TYPE]
    decoder = _DECODERS.get(kind) if isinstance(kind, str) else None
    if decoder is None:
        raise JobDecodeError(f"The stored data holds a value of unknown type {kind!r}")
    try:
        return decoder(env, data)
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError, etree.Error) as error:
        raise JobDecodeError(f"A stored value of type {kind!r} can't be read: {error}") from error


def encode_result(value):
    """A job's return value as JSON text of at most about 64 KB; longer ones are cut, with a marker.

    :return: str, or None for None and for what can't be stored
    """
    if value is None:
        return None
    try:
        text = encode(value, "the result")
    except JobOptionError as error:
        _logger.info("The result of a job was not stored: %s", error)
        return None
    if len(text) <= MAX_RESULT_SIZE:
        return text
    return dump({_TYPE: "cut", "size": len(text), "value": text[:MAX_RESULT_SIZE]})


def record_ids(records, where):
    """The ids of ``records``.

    :raise JobOptionError: one of them isn't saved
    """
    for id_ in records._ids:
        if not isinstance(id_, int):
            raise JobOptionError(f"{where} can't be stored in a job: {records!r} holds an unsaved record")
    return list(records._ids)


def _encode_items(items, where):
    return [item if type(item) in _PLAIN else to_json(item, f"{where}[{index}]") for index, item in enumerate(items)]


def _encode_dict(value, where):
    if _TYPE in value or {type(key) for key in value} - _TEXT:
        pairs = [
            [to_json(key, f"the key {key!r} of {where}"), to_json(item, f"{where}[{key!r}]")]
            for key, item in value.items()
        ]
        return {_TYPE: "dict", "items": pairs}
    # The path is made only for what could fail: this is the hottest line of enqueueing.
    return {key: item if type(item) in _PLAIN else to_json(item, f"{where}[{key!r}]") for key, item in value.items()}


def _encode_set(value, where):
    # Sorted, so that equal sets have equal payloads: identity keys are made of them.
    items = sorted((to_json(item, f"{where}{{{item!r}}}") for item in value), key=dump)
    return {_TYPE: type(value).__name__, "items": items}


def _encode_records(value, where):
    context = value.env.context
    kept = {key: context[key] for key in RECORDS_CONTEXT_KEYS if key in context}
    data = {_TYPE: "records", "model": value._name, "ids": record_ids(value, where)}
    if value.env.su:
        data["su"] = True
    if kept:
        data["context"] = to_json(kept, f"the context of {where}")
    return data


def _decode_records(env, data):
    if data["model"] not in env:
        raise JobDecodeError(f"The model {data['model']!r} of an argument doesn't exist in this database")
    if not all(isinstance(id_, int) for id_ in data["ids"]):
        raise ValueError(f"{data['ids']!r} are no ids")
    records = env[data["model"]].browse(data["ids"]).sudo(bool(data.get("su")))
    return records.with_context(**from_json(env, data["context"])) if data.get("context") else records


def _decode_cut(env, data):
    return f"{data['value']}... (cut, {data['size']} characters in all)"


def _decode_xml(env, data):
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
    return etree.fromstring(base64.b64decode(data["value"], validate=True), parser)


def _wrapped(kind, encoder):
    return lambda value, where: {_TYPE: kind, "value": encoder(value)}


def _decode_items(make):
    return lambda env, data: make(from_json(env, item) for item in data["items"])


_PLAIN = {type(None), bool, int, float, str}
_TEXT = {str}
_ENCODERS = {
    list: _encode_items,
    dict: _encode_dict,
    tuple: lambda value, where: {_TYPE: "tuple", "items": _encode_items(value, where)},
    set: _encode_set,
    frozenset: _encode_set,
    datetime: _wrapped("datetime", datetime.isoformat),
    date: _wrapped("date", date.isoformat),
    Decimal: _wrapped("decimal", str),
    bytes: _wrapped("bytes", lambda value: base64.b64encode(value).decode()),
    Markup: _wrapped("markup", str),
}
# Subclasses are stored as the type that they extend: an IntEnum as int, a defaultdict as dict.
_SUBCLASSES = [
    (BaseModel, _encode_records),
    (
        etree._Element,
        _wrapped("xml", lambda value: base64.b64encode(etree.tostring(value, with_tail=False)).decode()),
    ),
    (datetime, _ENCODERS[datetime]),
    (date, _ENCODERS[date]),
    (str, lambda value, where: str.__str__(value)),
    (bool, lambda value, where: bool(value)),
    (int, lambda value, where: int(value)),
    (float, lambda value, where: float(value)),
    (LazyGettext, lambda value, where: str(value)),
    (Mapping, lambda value, where: _encode_dict(dict(value), where)),
    (tuple, _ENCODERS[tuple]),
    (list, _encode_items),
]
_DECODERS = {
    "dict": lambda env, data: {from_json(env, key): from_json(env, item) for key, item in data["items"]},
    "tuple": _decode_items(tuple),
    "set": _decode_items(set),
    "frozenset": _decode_items(frozenset),
    "datetime": lambda env, data: datetime.fromisoformat(data["value"]),
    "date": lambda env, data: date.fromisoformat(data["value"]),
    "decimal": lambda env, data: Decimal(data["value"]),
    "bytes": lambda env, data: base64.b64decode(data["value"], validate=True),
    "markup": lambda env, data: Markup(data["value"]),
    "xml": _decode_xml,
    "records": _decode_records,
    "cut": _decode_cut,
}
