"""The pipe between the manager and a supervisor: short words, in both directions."""

import contextlib
import json
from multiprocessing import Pipe

# What the manager says.
STOP = "stop"  # end gracefully: running jobs get the grace period
STOP_NOW = "stop now"
RETIRE = "retire"  # another supervisor has taken over: let the running jobs end, however long they take
DUMP = "dump"

# What a supervisor says.
READY = "ready"  # the registry is loaded and jobs are being claimed
ALIVE = "alive"  # with a text for people
REPLACE = "replace"  # its models are out of date: a fresh process is needed; with the reason


class Link:
    """One end of the pipe; ``fileno()`` becomes readable when the other end has said something or is gone."""

    def __init__(self, connection):
        self._connection = connection
        self.closed = False

    @classmethod
    def pair(cls):
        return tuple(cls(connection) for connection in Pipe())

    def fileno(self):
        return self._connection.fileno()

    def say(self, word, text=""):
        """Send a word; if the other end is gone, that is seen elsewhere."""
        with contextlib.suppress(OSError):
            self._connection.send_bytes(json.dumps([word, text]).encode())

    def listen(self):
        """All that was said since the last call: list of ``(word, text)``. Sets ``closed`` at the end of it."""
        words = []
        try:
            while self._connection.poll():
                words.append(tuple(json.loads(self._connection.recv_bytes())))
        except (EOFError, OSError):
            self.closed = True
        return words

    def close(self):
        self._connection.close()
