"""A process that enqueues on command; see inside/protocol.py."""

import contextlib
import json
import selectors
import subprocess
import time

from inside import RESULT

from sandbox.errors import SandboxError

_START_SECONDS = 120
_COMMAND_SECONDS = 1800


class Agent:
    """Started by the first command, kept until `stop`: so neither Python nor Odoo is started for each measurement.

    :param argv: the program that obeys
    :param Path log: what it says besides its answers
    """

    def __init__(self, argv, env, log):
        self._argv = [str(part) for part in argv]
        self._env = env
        self._log = log
        self._process = None
        self._unread = b""

    def call(self, do, **arguments):
        """Let it do `do`; returns its answer.

        :raise SandboxError: it failed, ended or took too long
        """
        if self._process is None:
            self._start()
        self._process.stdin.write(json.dumps({"do": do, **arguments}).encode() + b"\n")
        self._process.stdin.flush()
        message = self._read(_COMMAND_SECONDS)
        if "error" in message:
            raise SandboxError(f"{do} failed: {message['error']}", log=self._log)
        return message["answer"]

    def stop(self):
        if self._process is None:
            return
        with contextlib.suppress(OSError):
            self._process.stdin.close()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process = None

    def _start(self):
        with self._log.open("w") as log:
            self._process = subprocess.Popen(
                self._argv, env=self._env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log,
                start_new_session=True,
            )  # fmt: skip
        self._unread = b""
        self._read(_START_SECONDS)

    def _read(self, seconds):
        """The next message; other lines are not for us."""
        deadline = time.monotonic() + seconds
        with selectors.DefaultSelector() as selector:
            selector.register(self._process.stdout, selectors.EVENT_READ)
            while True:
                line, newline, rest = self._unread.partition(b"\n")
                if newline:
                    self._unread = rest
                    if line.startswith(RESULT.encode()):
                        return json.loads(line[len(RESULT) :])
                    continue
                if not selector.select(max(0.0, deadline - time.monotonic())):
                    raise SandboxError(f"{self._argv[1]} gave no answer within {seconds} s.", log=self._log)
                chunk = self._process.stdout.read1(65536)
                if not chunk:
                    raise SandboxError(f"{self._argv[1]} ended by itself.", log=self._log)
                self._unread += chunk
