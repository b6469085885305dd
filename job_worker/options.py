"""The options of a job, checked where it is enqueued so that nothing fails later in a worker."""

from datetime import datetime, timedelta, timezone

from .exception import JobOptionError
from .job import DEFAULT_CHANNEL, DEFAULT_MAX_RETRIES, DEFAULT_PRIORITY


def check_options(options):
    """Return the stored values of ``options``, defaults filled in.

    :param dict options: as given by the caller
    :return: dict of ``queue.job`` column values
    :raise JobOptionError: it names the option, its value and what is expected
    """
    unknown = sorted(set(options) - set(_CHECKS))
    if unknown:
        known = ", ".join(sorted(_CHECKS))
        raise JobOptionError(f"Unknown job option {unknown[0]!r}; the options are: {known}")
    return {_COLUMNS.get(name, name): check(name, options.get(name)) for name, check in _CHECKS.items()}


def _text(default):
    def check(name, value):
        if value is None:
            return default
        if not isinstance(value, str) or not value.strip() or "\0" in value:
            raise JobOptionError(f"{name} must be a text that is not empty, not {value!r}")
        return value

    return check


def _whole_number(default, minimum):
    def check(name, value):
        if value is None:
            return default
        if not isinstance(value, int) or isinstance(value, bool) or not minimum <= value < 2**31:
            raise JobOptionError(f"{name} must be a whole number from {minimum}, not {value!r}")
        return value

    return check


def _moment(name, value):
    """A moment as naive UTC: a datetime (naive ones are UTC), a timedelta or seconds from now."""
    if value is None:
        return None
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        value = timedelta(seconds=value)
    if isinstance(value, timedelta):
        return datetime.now(timezone.utc).replace(tzinfo=None) + value
    if not isinstance(value, datetime):
        raise JobOptionError(f"{name} must be a datetime, a timedelta or seconds from now, not {value!r}")
    return value.astimezone(timezone.utc).replace(tzinfo=None) if value.tzinfo else value


_CHECKS = {
    "channel": _text(DEFAULT_CHANNEL),
    "priority": _whole_number(DEFAULT_PRIORITY, 0),
    "max_retries": _whole_number(DEFAULT_MAX_RETRIES, 0),
    "description": _text(None),
    "scheduled_at": _moment,
}
_COLUMNS = {"description": "name"}
