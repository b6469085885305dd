"""What a person reads: steps with elapsed seconds, messages, failures."""

import sys
import threading
import time
from contextlib import contextmanager

_TICK_SECONDS = 0.2
_QUIET_SECONDS = 2
_SIGN_OF_LIFE_SECONDS = 30
_LOG_LINES = 15


class Console:
    """Writes to stdout. Animated on a terminal; `quiet` shows only steps that take long."""

    def __init__(self, *, quiet=False):
        self.quiet = quiet
        self.animated = sys.stdout.isatty()

    def say(self, text=""):
        """Write one line. A terminal that was closed is no reason to fail: the cleanup must go on."""
        self._write(f"{text}\n")

    @contextmanager
    def step(self, title):
        """Show that `title` is under way, for how long, and how it ended. Yields a `Step` for details."""
        step = Step(self, title)
        step.begin()
        try:
            yield step
        except BaseException:
            step.end(succeeded=False)
            raise
        step.end(succeeded=True)

    def fail(self, error):
        """Tell a failure: what, the end of the log, what to do."""
        self.say(f"\nFailed: {error}")
        if error.log and error.log.exists():
            self.say(f"From {error.log}:")
            for line in telling_lines(error.log):
                self.say(f"    {line}")
        if error.remedy:
            self.say(f"What to do: {error.remedy}.")

    def _write(self, text):
        try:
            sys.stdout.write(text)
            sys.stdout.flush()
        except (OSError, ValueError):
            self.animated = False


class Step:
    """One line of progress, kept alive by a thread so that a slow step never looks hung."""

    def __init__(self, console, title):
        self._console = console
        self._title = title
        self._detail = ""
        self._shown = False
        self._started = time.monotonic()
        self._ended = threading.Event()
        self._ticker = threading.Thread(target=self._tick, daemon=True)

    def detail(self, text):
        """Say what the step is doing now, in a few words."""
        self._detail = text

    def begin(self):
        if not self._console.quiet:
            self._show()
        self._ticker.start()

    def end(self, *, succeeded):
        self._ended.set()
        self._ticker.join()
        if not succeeded:
            self._show()
        if not self._shown:
            return
        outcome = f"{'done in' if succeeded else 'failed after'} {self._elapsed():.1f} s"
        if self._console.animated:
            self._console._write(f"\r\033[K  {self._title}: {outcome}\n")
        else:
            self._console.say(f"      {outcome}")

    def _show(self):
        if not self._shown and not self._console.animated:
            self._console.say(f"  {self._title} ...")
        self._shown = True

    def _tick(self):
        next_sign = _SIGN_OF_LIFE_SECONDS
        while not self._ended.wait(_TICK_SECONDS):
            if self._elapsed() >= _QUIET_SECONDS:
                self._show()
            if self._console.animated and self._shown:
                self._draw()
            elif self._elapsed() >= next_sign:
                next_sign += _SIGN_OF_LIFE_SECONDS
                self._console.say(f"      {self._elapsed():.0f} s {self._detail}".rstrip())

    def _draw(self):
        self._console._write(f"\r\033[K  {self._title} ... {self._elapsed():.0f} s  {self._detail[:50]}")

    def _elapsed(self):
        return time.monotonic() - self._started


def telling_lines(path):
    """Of a log, the message of the last traceback if there is one, else the end."""
    lines = path.read_text(errors="replace").splitlines()
    traces = [number for number, line in enumerate(lines) if line.startswith("Traceback (most")]
    if not traces:
        return lines[-_LOG_LINES:]
    message = traces[-1] + 1
    while message < len(lines) and lines[message].startswith(" "):
        message += 1
    return lines[message : message + _LOG_LINES]
