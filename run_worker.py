#!/usr/bin/env python3
"""Run the jobs of an Odoo database: ``python run_worker.py -c odoo.conf -d DATABASE``.

Needs an interpreter that can import Odoo 19. It takes every option of the Odoo server
besides its own; ``--help`` lists those.
"""

import argparse
import configparser
import os
import sys
from pathlib import Path

PROG = "run_worker.py"
HERE = Path(__file__).resolve().parent
ODOO_MAJOR = 19


def main(argv):
    check_odoo()
    argv = with_job_worker_on_addons_path(argv)
    # Only now: addons can be imported once Odoo knows their path.
    from odoo.addons.job_worker.cli.worker import main as worker_main

    return worker_main(argv, PROG)


def check_odoo():
    """Exit unless the Odoo that this interpreter imports is the one we are made for."""
    try:
        from odoo import release
    except ImportError as error:
        fail(f"Odoo can't be imported by {sys.executable} ({error}): use Odoo's interpreter, or set PYTHONPATH")
    if release.version_info[0] != ODOO_MAJOR:
        fail(f"Odoo {ODOO_MAJOR} is needed, but {sys.executable} imports Odoo {release.version}")


def with_job_worker_on_addons_path(argv):
    """Return ``argv`` with this file's directory added to the addons path, if that lacks job_worker."""
    import odoo.init  # noqa: F401  (sets Odoo up; must come before anything else of it)
    from odoo.modules.module import initialize_sys_path
    from odoo.tools import config

    import odoo.addons

    config.parser.error = fail
    try:
        config._parse_config(addons_arguments(argv))
    except (configparser.Error, ValueError) as error:
        fail(f"the configuration can't be read: {' '.join(str(error).split())}")
    initialize_sys_path()
    if any(has_job_worker(path) for path in odoo.addons.__path__):
        return argv
    if not has_job_worker(HERE):
        fail(f"the module job_worker is neither on the addons path nor in {HERE}: add it with --addons-path")
    argv = [*argv, "--addons-path=" + ",".join([*config["addons_path"], str(HERE)])]
    config._parse_config(addons_arguments(argv))
    initialize_sys_path()
    return argv


def addons_arguments(argv):
    """Of ``argv``, what decides about the addons path."""
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    parser.error = fail
    parser.add_argument("-c", "--config")
    parser.add_argument("--addons-path")
    known, _rest = parser.parse_known_args(argv)
    arguments = [f"--config={known.config}"] if known.config else []
    return arguments + ([f"--addons-path={known.addons_path}"] if known.addons_path else [])


def has_job_worker(directory):
    return os.path.isfile(os.path.join(directory, "job_worker", "__manifest__.py"))


def fail(message):
    print(f"{PROG}: error: {message}", file=sys.stderr)
    sys.exit(2)


def run():
    sys.exit(main(sys.argv[1:]))


if __name__ == "__main__":
    run()
