"""What can go wrong, told in plain words."""

import signal


class SandboxError(Exception):
    """A step failed. `log` is the file whose last lines tell why, `remedy` what a person can do."""

    def __init__(self, message, *, log=None, remedy=None, exit_code=1):
        super().__init__(message)
        self.log = log
        self.remedy = remedy
        self.exit_code = exit_code


class Interrupted(BaseException):
    """A signal asked this program to end. Not an Exception: nothing but the cleanup may stop it."""

    def __init__(self, signum):
        super().__init__(signal.Signals(signum).name)
        self.signum = signum

    @property
    def is_keyboard(self):
        return self.signum == signal.SIGINT

    @property
    def exit_code(self):
        return 128 + self.signum


def raise_on_signals():
    """Turn Ctrl-C, a kill and a closed terminal into `Interrupted`, so that every `finally` runs."""

    def interrupt(signum, _frame):
        raise Interrupted(signum)

    for signum in _SIGNALS:
        if signal.getsignal(signum) != signal.SIG_IGN:  # as nohup leaves it
            signal.signal(signum, interrupt)


def ignore_signals():
    """From here on only the cleanup runs, and it has time limits of its own."""
    for signum in _SIGNALS:
        signal.signal(signum, signal.SIG_IGN)


_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
