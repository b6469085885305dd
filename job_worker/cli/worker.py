"""The worker's command line: ``run_worker.py`` and ``odoo-bin worker``.

Odoo loads this file as ``odoo.cli.worker``, where relative imports don't work.
"""

import argparse
import configparser
import optparse
import os
import sys
from dataclasses import asdict

from odoo.cli import Command
from odoo.tools import config

from odoo.addons.job_worker.engine.config import add_options, resolve_settings, split_arguments
from odoo.addons.job_worker.runtime.database import DatabaseError
from odoo.addons.job_worker.runtime.worker import QueueWorker

__all__ = ["QueueWorker", "Worker", "main"]

EXIT_FAILED = 1
EXIT_USAGE = 2


class UsageError(Exception):
    """The worker can't start with what it was given; the message says why."""


class Worker(Command):
    """Run the jobs of a database until stopped"""

    def run(self, args):
        sys.exit(main(args, self.prog))


def main(argv, prog):
    """Serve the queue of the database that ``argv`` or Odoo's configuration names.

    :param list argv: worker options and Odoo server options, mixed
    :param str prog: name of the program, for its messages
    :return: exit code: 0 stopped as asked, 1 stopped by trouble, 2 bad input
    """
    if "-h" in argv or "--help" in argv:
        _print_help(prog)
        return 0
    try:
        settings, sources, show_config = _configure(argv, prog)
        if show_config:
            _print_config(settings, sources)
            return 0
        worker = QueueWorker(_database_name(), **asdict(settings))
    except (UsageError, DatabaseError) as error:
        print(f"{prog}: error: {error}", file=sys.stderr)
        return EXIT_USAGE
    return worker.run()


def _configure(argv, prog):
    """Read all that configures a worker: ``(settings, their sources, whether only to show them)``."""
    try:
        options, odoo_arguments = split_arguments(argv, prog)
        parse_odoo_configuration(odoo_arguments)
        settings, sources = resolve_settings(options, os.environ, _read_section(config["config"]))
    except ValueError as error:
        raise UsageError(error) from error
    return settings, sources, options.show_config


def _read_section(path):
    """The section ``[job_worker]`` of Odoo's configuration file, which Odoo itself doesn't look at."""
    parser = configparser.RawConfigParser()
    parser.read([path])
    return dict(parser["job_worker"]) if parser.has_section("job_worker") else {}


def _print_config(settings, sources):
    for name, value in asdict(settings).items():
        print(f"{name} = {value:g}  ({sources[name]})")


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


def _database_name():
    names = config["db_name"]
    if not names:
        raise UsageError(
            "no database given: name one with -d DATABASE, or as db_name in a configuration file (-c FILE)"
        )
    if len(names) > 1:
        raise UsageError(f"a worker serves one database, not {len(names)} ({', '.join(names)}): start one for each")
    return names[0]


def _print_help(prog):
    parser = argparse.ArgumentParser(
        prog=prog,
        usage=f"{prog} -c odoo.conf -d DATABASE [worker options] [Odoo server options]",
        description="Run the jobs of a database until stopped.",
        epilog="Every option of the Odoo server is accepted too; see odoo-bin --help.",
    )
    add_options(parser)
    parser.print_help()
