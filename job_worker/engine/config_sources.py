"""Where the worker's settings come from: command line, environment, configuration files, defaults."""

import argparse
from dataclasses import fields

from .config import WorkerSettings

_TRUE, _FALSE = ("1", "true", "yes", "on"), ("0", "false", "no", "off")


def add_options(parser):
    """Add one ``--kebab-case`` option per setting to an argparse parser; absent ones stay None."""
    group = parser.add_argument_group("worker options")
    for spec in fields(WorkerSettings):
        group.add_argument(
            option_name(spec.name),
            dest=spec.name,
            metavar=spec.metadata["unit"],
            help=f"{spec.metadata['help']} (default: {show(spec.default)})",
        )
    group.add_argument("--show-config", action="store_true", help="print each setting and where it comes from, and end")
    group.add_argument(
        "--health", action="store_true", help="end with 0 if a worker of this host serves the databases, else with 1"
    )


def option_name(setting):
    return "--" + setting.replace("_", "-")


def environment_names(setting):
    """The environment variables of a setting, the weightiest first."""
    # QUEUE_JOB_CONCURRENCY is what deployments of other job runners have set already.
    return (f"JOB_WORKER_{setting.upper()}", *(["QUEUE_JOB_CONCURRENCY"] if setting == "concurrency" else []))


def show(value):
    """A setting's value as a person writes it."""
    if isinstance(value, str):
        return value or "(empty)"
    return str(value).lower() if isinstance(value, bool) else f"{value:.15g}"


def split_arguments(argv, prog):
    """Separate the worker's own options from Odoo's.

    :return: ``(options, rest)``: a namespace of texts or None, and the arguments meant for Odoo
    :raise ValueError: a worker option lacks its value
    """
    parser = _RaisingParser(prog=prog, add_help=False, allow_abbrev=False)
    add_options(parser)
    return parser.parse_known_args(_bind_exclusions(argv))


def resolve_settings(options, environment, section, odoo_options=None):
    """The settings from all that may name them: command line, environment, configuration file, default.

    :param options: namespace of :func:`split_arguments`
    :param environment: mapping of environment variables
    :param dict section: the section ``[job_worker]`` of Odoo's configuration file
    :param dict odoo_options: values of Odoo's own options of the same name, which stand in for defaults
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
        if text is not None:
            values[spec.name] = _parse(type(spec.default), text, source)
        elif spec.name in (odoo_options or {}):
            values[spec.name], source = odoo_options[spec.name], f"Odoo's option {spec.name}"
        else:
            values[spec.name] = spec.default
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
    if kind is bool:
        if text.lower() not in _TRUE + _FALSE:
            raise ValueError(f"{source} must be true or false, not {text!r}")
        return text.lower() in _TRUE
    try:
        return kind(text)
    except ValueError:
        expected = "a whole number" if kind is int else "a number"
        raise ValueError(f"{source} must be {expected}, not {text!r}") from None


def _bind_exclusions(argv):
    """``--channels -bulk`` as one argument, for argparse would take ``-bulk`` for an option."""
    bound, rest = [], [str(argument) for argument in argv]
    while rest:
        argument = rest.pop(0)
        if argument == "--channels" and rest and not rest[0].startswith("--"):
            argument = f"--channels={rest.pop(0)}"
        bound.append(argument)
    return bound


class _RaisingParser(argparse.ArgumentParser):
    def error(self, message):
        raise ValueError(message)
