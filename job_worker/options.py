"""The options of a job, checked where it is enqueued so that nothing fails later in a worker."""

import json
from datetime import datetime, timedelta, timezone

from .engine.channels import check_channel
from .exception import JobOptionError
from .job import DEFAULT_CHANNEL, DEFAULT_MAX_RETRIES, DEFAULT_PRIORITY

DEFAULTS = {"channel": DEFAULT_CHANNEL, "priority": DEFAULT_PRIORITY, "max_retries": DEFAULT_MAX_RETRIES}


def check_options(options):
    """Return the stored form of ``options``; those left out or None are absent.

    :param dict options: as given by the caller; ``eta`` is another name of ``scheduled_at``
    :return: dict of ``queue.job`` column values
    :raise JobOptionError: it names the option, its value and what is expected
    """
    checked = {}
    for name, value in options.items():
        check = _CHECKS.get(name)
        if check is None:
            raise JobOptionError(f"Unknown job option {name!r}; the options are: {', '.join(sorted(_CHECKS))}")
        if value is None:
            continue
        column = OPTION_COLUMNS[name]
        if column in checked:
            _check_same_moment(options)
        else:
            checked[column] = check(name, value)
    return checked


def _check_same_moment(options):
    eta, scheduled_at = options["eta"], options["scheduled_at"]
    if eta != scheduled_at:
        raise JobOptionError(f"eta and scheduled_at are one option, but were given as {eta!r} and {scheduled_at!r}")


def dump_retry_pattern(name, value):
    """The stored form of ``{attempt: seconds}``: JSON text with the attempts in order.

    :raise JobOptionError: an attempt isn't a whole number from 1, or a delay isn't seconds from 0
    """
    if not isinstance(value, dict) or not value:
        raise JobOptionError(f"{name} must be a dict of attempt: seconds that is not empty, not {value!r}")
    pattern = {}
    for attempt, seconds in value.items():
        if isinstance(attempt, str) and attempt.isdecimal():
            attempt = int(attempt)  # JSON and XML data know only text keys
        if isinstance(attempt, bool) or not isinstance(attempt, int) or attempt < 1:
            raise JobOptionError(f"{name}: the attempt {attempt!r} must be a whole number from 1")
        # A range of OCA's queue_job, (minimum, maximum), is drawn from when the attempt fails.
        bounds = seconds if isinstance(seconds, (list, tuple)) and len(seconds) == 2 else [seconds]
        if not all(_is_number(bound) and bound >= 0 for bound in bounds) or list(bounds) != sorted(bounds):
            raise JobOptionError(f"{name}: the delay {seconds!r} after attempt {attempt} must be seconds from 0")
        pattern[attempt] = seconds
    return json.dumps({str(attempt): pattern[attempt] for attempt in sorted(pattern)})


def _is_number(value):
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _text(name, value):
    if not isinstance(value, str) or not value.strip() or "\0" in value:
        raise JobOptionError(f"{name} must be a text that is not empty, not {value!r}")
    return value


def _channel(name, value):
    try:
        return check_channel(_text(name, value))
    except ValueError as error:
        raise JobOptionError(f"{name}: {error}") from error


def _key(name, value):
    """A text, or a callable that makes one of the job later."""
    return value if callable(value) else _text(name, value)


def _whole_number(minimum):
    def check(name, value):
        if not isinstance(value, int) or isinstance(value, bool) or not minimum <= value < 2**31:
            raise JobOptionError(f"{name} must be a whole number from {minimum}, not {value!r}")
        return value

    return check


def _moment(name, value):
    """A moment as naive UTC: a datetime (naive ones are UTC), a timedelta or seconds from now."""
    try:
        if _is_number(value):
            value = timedelta(seconds=value)
        if isinstance(value, timedelta):
            return datetime.now(timezone.utc).replace(tzinfo=None) + value
        if isinstance(value, datetime):
            return value.astimezone(timezone.utc).replace(tzinfo=None) if value.tzinfo else value
    except (OverflowError, ValueError) as error:
        raise JobOptionError(f"{name} must be a moment that a date can hold, not {value!r}") from error
    raise JobOptionError(f"{name} must be a datetime, a timedelta or seconds from now, not {value!r}")


_CHECKS = {
    "channel": _channel,
    "priority": _whole_number(0),
    "max_retries": _whole_number(0),
    "description": _text,
    "scheduled_at": _moment,
    "eta": _moment,
    "identity_key": _key,
    "concurrency_key": _key,
    "timeout": _whole_number(0),
    "batch_size": _whole_number(1),
    "retry_pattern": dump_retry_pattern,
}
_COLUMNS = {"description": "name", "eta": "scheduled_at"}
# Option name to the column of queue.job that holds it.
OPTION_COLUMNS = {name: _COLUMNS.get(name, name) for name in _CHECKS}
