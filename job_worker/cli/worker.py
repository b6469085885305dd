"""The worker's command line: ``run_worker.py`` and ``odoo-bin worker``.

Odoo loads this file as ``odoo.cli.worker``, where relative imports don't work.
"""

import argparse
import configparser
import logging
import optparse
import os
import sys
from dataclasses import asdict

from odoo.cli import Command
from odoo.tools import config

from odoo.addons.job_worker.engine.config_sources import add_options, resolve_settings, show, split_arguments
from odoo.addons.job_worker.runtime.database import DatabaseError
from odoo.addons.job_worker.runtime.health import check_health
from odoo.addons.job_worker.runtime.logs import use_log_format
from odoo.addons.job_worker.runtime.worker import QueueWorker

__all__ = ["QueueWorker", "Worker", "main"]

_logger = logging.getLogger("odoo.addons.job_worker.cli")

EXIT_FAILED = 1
EXIT_USAGE = 2
# Options of Odoo that hold for executors as they do for its own workers.
SHARED_WITH_ODOO = ("limit_memory_soft", "limit_memory_hard")


class UsageError(Exception):
    """The worker can't start with what it was given; the message says why."""


class Worker(Command):
    """Run the jobs of one or more databases until stopped"""

    def run(self, args):
        sys.exit(main(args, self.prog))


def main(argv, prog):
    """Serve the queues of the databases that ``argv`` or Odoo's configuration names, or of all that have one.

    :param list argv: worker options and Odoo server options, mixed
    :param str prog: name of the program, for its messages
    :return: exit code: 0 stopped as asked (or healthy), 1 stopped by trouble (or not healthy), 2 bad input
    """
    if "-h" in argv or "--help" in argv:
        _print_help(prog)
        return 0
    try:
        options, settings, sources = _configure(argv, prog)
        if options.show_config:
            _print_config(settings, sources)
            return 0
        if options.health:
            return _print_health(prog, settings)
        use_log_format(settings.log_format)
        worker = QueueWorker(config["db_name"], reconfigure=lambda: _configure_again(argv, prog), **asdict(settings))
    except (UsageError, DatabaseError) as error:
        print(f"{prog}: error: {error}", file=sys.stderr)
        return EXIT_USAGE
    _log_start(settings, sources)
    return worker.run()


def _configure(argv, prog):
    """Read all that configures a worker: ``(options, settings, sources of the settings)``."""
    try:
        options, odoo_arguments = split_arguments(argv, prog)
        parse_odoo_configuration(odoo_arguments)
        section = _read_section(config["config"])
        shared = {name: config[name] for name in SHARED_WITH_ODOO}
        settings, sources = resolve_settings(options, os.environ, section, shared)
    except ValueError as error:
        raise UsageError(error) from error
    return options, settings, sources


def _configure_again(argv, prog):
    """The settings as the configuration file has them by now.

    :raise ValueError: it can't be used
    """
    try:
        _options, settings, sources = _configure(argv, prog)
    except UsageError as error:
        raise ValueError(str(error)) from error
    use_log_format(settings.log_format)
    _log_start(settings, sources)
    return settings


def _read_section(path):
    """The section ``[job_worker]`` of Odoo's configuration file, which Odoo itself doesn't look at."""
    parser = configparser.RawConfigParser()
    parser.read([path])
    return dict(parser["job_worker"]) if parser.has_section("job_worker") else {}


def _print_config(settings, sources):
    for name, value in asdict(settings).items():
        print(f"{name} = {show(value)}  ({sources[name]})")


def _log_start(settings, sources):
    """One line with what differs from the defaults."""
    chosen = [f"{name}={show(value)}" for name, value in asdict(settings).items() if sources[name] != "the default"]
    _logger.info("Started with process %d, configuration: %s", os.getpid(), ", ".join(chosen) or "all defaults")


def _print_health(prog, settings):
    healthy, message = check_health(config["db_name"], settings)
    print(f"{prog}: {message}", file=sys.stdout if healthy else sys.stderr)
    return 0 if healthy else EXIT_FAILED


def parse_odoo_configuration(arguments):
    """Load Odoo's configuration and logging, without its web server.

    :raise UsageError: Odoo refuses an option or the configuration file
    """

    def refuse(message):
        raise UsageError(message)

    config.parser.error = refuse
    try:
        config.parse_config([*arguments, "--no-http"], setup_logging=True)
    except (configparser.Error, optparse.OptionValueError, ValueError) as error:
        reason = " ".join(str(error).split())
        raise UsageError(f"the configuration can't be read: {reason}") from error


def _print_help(prog):
    parser = argparse.ArgumentParser(
        prog=prog,
        usage=f"{prog} -c odoo.conf [-d DATABASE[,DATABASE]] [worker options] [Odoo server options]",
        description="Run the jobs of one database, of several, or of all that have job_worker, until stopped.",
        epilog="Every option of the Odoo server is accepted too; see odoo-bin --help.",
    )
    add_options(parser)
    parser.print_help()
