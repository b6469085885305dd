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
            metavar=spec.metadata["unit"],
            help=f"{spec.metadata['help']} (default: {spec.default:g})",
        )
    group.add_argument("--show-config", action="store_true", help="print each setting and where it comes from, and end")


def option_name(setting):
    return "--" + setting.replace("_", "-")


def environment_names(setting):
    """The environment variables of a setting, the weightiest first."""
    # QUEUE_JOB_CONCURRENCY is what deployments of other job runners have set already.
    return (f"JOB_WORKER_{setting.upper()}", *(["QUEUE_JOB_CONCURRENCY"] if setting == "concurrency" else []))


def split_arguments(argv, prog):
    """Separate the worker's own options from Odoo's.

    :return: ``(options, rest)``: a namespace of texts or None, and the arguments meant for Odoo
    :raise ValueError: a worker option lacks its value
    """
    parser = _RaisingParser(prog=prog, add_help=False, allow_abbrev=False)
    add_options(parser)
    return parser.parse_known_args(argv)


def resolve_settings(options, environment, section):
    """The settings from all that may name them: command line, environment, configuration file, default.

    :param options: namespace of :func:`split_arguments`
    :param environment: mapping of environment variables
    :param dict section: the section ``[job_worker]`` of Odoo's configuration file
    :return: ``(WorkerSettings, {setting: where its value comes from})``
    :raise ValueError: a value can't be read or is out of range, or the section has an unknown
        name; the message says which and where
    """
    names = [spec.name for spec in fields(WorkerSettings)]
    if unknown := sorted(set(section) - set(names)):
        raise ValueError(f"unknown option {unknown[0]!r} in [job_worker]; there are: {', '.join(names)}")
    values, sources = {}, {}
    for spec in fields(WorkerSettings):
        text, source = _find(spec.name, options, environment, section)
        values[spec.name] = spec.default if text is None else _parse(type(spec.default), text, source)
        sources[spec.name] = source
    return WorkerSettings(**values), sources


def _find(name, options, environment, section):
    if getattr(options, name) is not None:
        return getattr(options, name), f"the option {option_name(name)}"
    for variable in environment_names(name):
        if environment.get(variable):
            return environment[variable], f"the environment variable {variable}"
    if name in section:
        return section[name], f"{name} in [job_worker]"
    return None, "the default"


def _parse(kind, text, source):
    try:
        return kind(text)
    except ValueError:
        expected = "a whole number" if kind is int else "a number"
        raise ValueError(f"{source} must be {expected}, not {text!r}") from None


class _RaisingParser(argparse.ArgumentParser):
    def error(self, message):
        raise ValueError(message)
