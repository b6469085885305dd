"""The worker's settings: what they mean, their defaults, and how they are checked."""

import argparse
import os
from dataclasses import dataclass, field, fields


def _setting(default, unit, minimum, help_text):
    return field(default=default, metadata={"unit": unit, "minimum": minimum, "help": help_text})


@dataclass(frozen=True)
class WorkerSettings:
    """Settings of one worker. Durations are in seconds."""

    concurrency: int = _setting(os.cpu_count() or 1, "N", 1, "jobs run at the same time, each in its own process")
    poll_timeout: float = _setting(5.0, "SECONDS", 0.01, "longest sleep between two looks at the queue")
    heartbeat_interval_seconds: float = _setting(10.0, "SECONDS", 0.1, "time between two signs of life")
    stale_after_seconds: float = _setting(
        60.0, "SECONDS", 1, "a worker without a sign of life for so long is taken for dead"
    )
    max_backoff_seconds: float = _setting(3600.0, "SECONDS", 0, "longest wait before a retry")
    timeout_grace_seconds: float = _setting(
        5.0, "SECONDS", 0, "time that a job past its timeout gets to clean up before it is killed"
    )
    shutdown_grace_seconds: float = _setting(
        30.0, "SECONDS", 0, "time that running jobs get to end at shutdown before they are put back"
    )

    def __post_init__(self):
        for spec in fields(self):
            value = getattr(self, spec.name)
            if not isinstance(value, (int, float)) or isinstance(value, bool):
                raise ValueError(f"{spec.name} must be a number, not {value!r}")
            if value < spec.metadata["minimum"]:
                raise ValueError(f"{spec.name} must be at least {spec.metadata['minimum']}, not {value!r}")
        if self.stale_after_seconds <= 2 * self.heartbeat_interval_seconds:
            raise ValueError(
                f"stale_after_seconds ({self.stale_after_seconds:g}) must be more than twice"
                f" heartbeat_interval_seconds ({self.heartbeat_interval_seconds:g})"
            )
        if int(self.concurrency) != self.concurrency:
            raise ValueError(f"concurrency must be a whole number, not {self.concurrency!r}")


def add_options(parser):
    """Add one ``--kebab-case`` option per setting to an argparse parser; absent ones stay None."""
    group = parser.add_argument_group("worker options")
    for spec in fields(WorkerSettings):
        group.add_argument(
            option_name(spec.name),
            dest=spec.name,
            type=type(spec.default),
            metavar=spec.metadata["unit"],
            help=f"{spec.metadata['help']} (default: {spec.default:g})",
        )


def option_name(setting):
    return "--" + setting.replace("_", "-")


def settings_from_options(options):
    """Build the settings from a parsed argparse namespace.

    :raise ValueError: a value is out of range; the message names it
    """
    given = {spec.name: getattr(options, spec.name) for spec in fields(WorkerSettings)}
    return WorkerSettings(**{name: value for name, value in given.items() if value is not None})


def split_arguments(argv, prog):
    """Separate the worker's own options from Odoo's.

    :return: ``(settings, rest)`` where ``rest`` are the arguments meant for Odoo
    :raise ValueError: a worker option has a bad value
    """
    parser = _RaisingParser(prog=prog, add_help=False, allow_abbrev=False)
    add_options(parser)
    options, rest = parser.parse_known_args(argv)
    return settings_from_options(options), rest


class _RaisingParser(argparse.ArgumentParser):
    def error(self, message):
        raise ValueError(message)
