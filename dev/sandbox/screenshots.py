"""`dev/screenshots`: the demo, filled with 100,000 jobs, and a picture of each of its screens."""

import shutil

from . import commands, venv
from .demo import Demo
from .errors import Interrupted, SandboxError, ignore_signals
from .paths import DEV, REPOSITORY, SCRIPTS

_FILL_SECONDS = 600
_SHOOT_SECONDS = 900
_BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")


def main(sandbox, console, *, configuration):
    """Take the pictures and stop what was started; returns the exit code."""
    demo = Demo(sandbox, console, configuration)
    try:
        chromium = _find_browser()
        demo.claim_sandbox()
        demo.start()
        _take(sandbox, console, demo, chromium)
    except Interrupted as interruption:
        return interruption.exit_code
    except SandboxError as error:
        console.fail(error)
        return error.exit_code
    finally:
        ignore_signals()
        demo.stop()
    return 0


def _find_browser():
    for name in _BROWSERS:
        if path := shutil.which(name):
            return path
    raise SandboxError("There is no Chromium on PATH.", remedy="install it (Debian: apt install chromium)")


def _take(sandbox, console, demo, chromium):
    programs = sandbox.root / "screenshots-venv"
    venv.ensure(sandbox, programs, DEV / "requirements-screenshots.txt", console)
    pictures = sandbox.root / "screenshots"
    pictures.mkdir(exist_ok=True)
    with console.step("Filling the database with 100,000 jobs"):
        ids = demo.fill(_fill_script(), _FILL_SECONDS)
    with console.step("Taking the pictures"):
        arguments = [f"{name}={id_}" for name, id_ in ids.items()]
        commands.run(
            [programs / "bin" / "python", SCRIPTS / "shoot.py", demo.url, chromium, pictures, *arguments],
            what="Taking the pictures",
            log=sandbox.logs / "screenshots.log",
            timeout=_SHOOT_SECONDS,
        )
    console.say(f"  {len(list(pictures.glob('*.png')))} pictures in {pictures}")


def _fill_script():
    sql = REPOSITORY / "benchmarks" / "inside" / "many_jobs.sql"
    scripts = [(SCRIPTS / name).read_text() for name in ("fill_monitor.py", "fill.py")]
    return "\n".join([f"fill_sql = {str(sql)!r}", *scripts])
