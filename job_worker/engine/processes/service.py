"""What the manager knows of one supervisor process."""

import os
import signal
import sys
import time
import traceback

from . import link as words
from .child import die_with_parent
from .link import Link


class Service:
    """A supervisor that serves one database, as its parent sees it."""

    def __init__(self, db_name, pid, link):
        self.db_name = db_name
        self.pid = pid
        self.link = link
        self.ready = False
        self.leaving = False
        self.status = "starting"
        self.last_sign = time.monotonic()
        self.suspected_since = None

    @classmethod
    def fork(cls, db_name, serve, in_child):
        """Fork a process that calls ``serve(db_name, link)`` and ends with the exit code that this returns.

        :param in_child: callable run first in the child, to let go of what belongs to the parent
        """
        parent_pid = os.getpid()
        ours, theirs = Link.pair()
        # Until the child has let go of the parent's handlers, a SIGTERM would be counted there and forgotten.
        mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
        pid = os.fork()
        if pid == 0:
            code = 1
            try:
                die_with_parent(parent_pid)
                ours.close()
                in_child()
                signal.pthread_sigmask(signal.SIG_SETMASK, mask)
                code = serve(db_name, theirs)
            except BaseException:  # noqa: BLE001  (nothing may reach the parent's stack, copied by fork)
                traceback.print_exc()
            finally:
                sys.stdout.flush()
                sys.stderr.flush()
                os._exit(code)
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        theirs.close()
        return cls(db_name, pid, ours)

    def fileno(self):
        return self.link.fileno()

    def listen(self):
        """Take in what the supervisor says; return the reason when it asks for a replacement, else None."""
        reason = None
        for word, text in self.link.listen():
            self.last_sign = time.monotonic()
            self.suspected_since = None
            if word == words.READY:
                self.ready, self.status = True, "running"
            elif word == words.ALIVE:
                self.status = text if self.ready else self.status
            elif word == words.REPLACE:
                reason = text
        return reason

    def leave(self, word):
        """Tell it to end, by :data:`~.link.STOP` or another word of that kind.

        While it is loading it can't listen and has nothing to lose: SIGTERM ends it. It may have begun to serve
        without having been heard yet; then it takes SIGTERM for an order to stop, and finds the word too.
        """
        self.leaving = True
        self.link.say(word)
        if not self.ready:
            os.kill(self.pid, signal.SIGTERM)

    def kill(self):
        os.kill(self.pid, signal.SIGKILL)
