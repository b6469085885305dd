"""The command line of the sandbox."""

import argparse

from . import demo, down, lint, screenshots, suite
from .console import Console
from .errors import Interrupted, SandboxError, raise_on_signals
from .paths import Sandbox


def main(argv):
    """Run `demo`, `down`, `test`, `screenshots` or `lint`; returns the exit code."""
    options = _parser().parse_args(argv)
    console = Console(quiet=options.command in ("test", "lint"))
    raise_on_signals()
    try:
        return _COMMANDS[options.command](Sandbox.from_environment(), console, options)
    except SandboxError as error:
        console.fail(error)
        return error.exit_code
    except Interrupted as interruption:
        return interruption.exit_code


def _parser():
    parser = argparse.ArgumentParser(prog="dev", description="The developer sandbox of job_worker.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    demo_parser = _add(commands, "demo", "start Odoo and the worker and follow sample jobs until Ctrl-C")
    demo_parser.add_argument("--check", action="store_true", help="run the sample jobs, judge them and stop")
    _add_configuration(demo_parser)

    down_parser = _add(commands, "down", "stop what an earlier start left running")
    down_parser.add_argument("--purge", action="store_true", help="also remove the sandbox and its databases")

    test_parser = _add(commands, "test", "run the test suite")
    test_parser.add_argument("tags", nargs="*", metavar="TAGS", help="as /job_worker:TestClass")
    _add_configuration(test_parser)

    screenshots_parser = _add(commands, "screenshots", "take a picture of each screen, with 100,000 jobs")
    _add_configuration(screenshots_parser)

    _add(commands, "lint", "check the code")
    return parser


def _add(commands, name, summary):
    description = f"{summary.capitalize()}."
    return commands.add_parser(name, prog=f"dev/{name}", help=summary, description=description)


def _add_configuration(parser):
    parser.add_argument(
        "-c", "--config", metavar="FILE", help="an Odoo configuration: its PostgreSQL server is used"
    )


def _demo(sandbox, console, options):
    return demo.main(sandbox, console, check_only=options.check, configuration=options.config)


def _down(sandbox, console, options):
    return down.main(sandbox, console, purge=options.purge)


def _test(sandbox, console, options):
    return suite.main(sandbox, console, options.tags, configuration=options.config)


def _screenshots(sandbox, console, options):
    return screenshots.main(sandbox, console, configuration=options.config)


def _lint(sandbox, console, _options):
    return lint.main(sandbox, console)


_COMMANDS = {"demo": _demo, "down": _down, "test": _test, "screenshots": _screenshots, "lint": _lint}
