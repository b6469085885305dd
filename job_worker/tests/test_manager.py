import multiprocessing
import os
import signal
import threading
import time

from odoo.tests.common import BaseCase

from ..engine.config import WorkerSettings
from ..engine.processes import link as words
from ..engine.processes.link import Link
from ..engine.processes.manager import Manager

PATIENCE_SECONDS = 20


class TestManager(BaseCase):
    """The manager with supervisors of a few lines: real processes, but no database and no models.

    Each tells by a line in a pipe what it does. The manager needs the main thread for its signals,
    so it runs in a process of its own.
    """

    def setUp(self):
        super().setUp()
        self.reader, self.writer = os.pipe()
        os.set_blocking(self.reader, False)
        self.said = ""

    def start(self, serve, databases=("one",), **settings):
        settings = WorkerSettings(concurrency=1, stale_after_seconds=1.0, heartbeat_interval_seconds=0.2, **settings)
        self.manager = os.fork()
        if self.manager == 0:
            try:
                code = Manager(settings, lambda: set(databases), serve).run()
            except BaseException:  # noqa: BLE001  (nothing of the test may run on in the child)
                code = 9
            os._exit(code)
        self.addCleanup(self.end)

    def end(self):
        if self.manager:
            os.kill(self.manager, signal.SIGKILL)
            os.waitpid(self.manager, 0)
        os.close(self.reader)
        os.close(self.writer)

    def wait_for(self, text, times=1):
        deadline = time.monotonic() + PATIENCE_SECONDS
        while self.said.count(text) < times:
            self.assertLess(time.monotonic(), deadline, f"Waited in vain for {times} x {text!r} in {self.said!r}")
            try:
                self.said += os.read(self.reader, 4096).decode()
            except BlockingIOError:
                time.sleep(0.01)

    def handle_sigterm(self):
        """Survive it, as a supervisor does from when it serves."""
        signal.signal(signal.SIGTERM, lambda signum, frame: None)

    def say(self, text):
        os.write(self.writer, f"{text} by {os.getpid()}\n".encode())

    def obey(self, db_name, _settings, link):
        """A supervisor that is ready at once and leaves when it is told to, by word and not by signal."""
        self.handle_sigterm()
        link.say(words.READY)
        self.say(f"{db_name} ready")
        while True:
            for word, _text in link.listen():
                self.say(f"{db_name} {word}")
                if word in (words.STOP, words.STOP_NOW, words.RETIRE):
                    return 0
            link.say(words.ALIVE, "running")
            time.sleep(0.02)

    def stop(self):
        os.kill(self.manager, signal.SIGTERM)
        _pid, status = os.waitpid(self.manager, 0)
        self.manager = None
        return os.waitstatus_to_exitcode(status)

    def test_each_database_gets_a_supervisor_and_all_are_told_to_stop(self):
        self.start(self.obey, databases=("one", "two"))
        self.wait_for("one ready")
        self.wait_for("two ready")
        self.assertEqual(self.stop(), 0)
        self.wait_for("one stop")
        self.wait_for("two stop")

    def test_a_supervisor_that_serves_but_was_not_heard_yet_is_told_to_stop_too(self):
        def serve(db_name, _settings, link):
            self.handle_sigterm()
            self.say(f"{db_name} loaded")
            while not (said := link.listen()):
                time.sleep(0.02)
            self.say(f"{db_name} {said[0][0]}")
            return 0

        self.start(serve)
        self.wait_for("one loaded")
        self.assertEqual(self.stop(), 0)
        self.wait_for("one stop")

    def test_a_supervisor_that_is_still_loading_ends_at_once_at_a_stop(self):
        def serve(db_name, _settings, _link):
            self.say(f"{db_name} loads")
            threading.Event().wait()

        self.start(serve)
        self.wait_for("one loads")
        self.assertEqual(self.stop(), 0)

    def test_a_supervisor_that_fails_is_started_again_and_its_neighbour_runs_on(self):
        def serve(db_name, settings, link):
            if db_name == "bad":
                self.say("bad starts")
                return 1
            return self.obey(db_name, settings, link)

        self.start(serve, databases=("bad", "good"))
        self.wait_for("bad starts", times=2)
        self.assertEqual(self.said.count("good ready"), 1)

    def test_a_supervisor_that_is_out_of_date_retires_only_once_its_successor_is_ready(self):
        def serve(db_name, settings, link):
            if not self.generation.value:
                link.say(words.REPLACE, "a test")
            self.generation.value += 1
            return self.obey(db_name, settings, link)

        self.generation = multiprocessing.Value("i", 0)  # shared with the processes to come

        self.start(serve)
        self.wait_for("ready", times=2)
        self.wait_for("retire")
        first_ready, second_ready = self.said.index("one ready"), self.said.rindex("one ready")
        self.assertLess(first_ready, second_ready)
        self.assertLess(second_ready, self.said.index("retire"))

    def test_a_reload_gives_each_database_a_fresh_process(self):
        self.start(self.obey)
        self.wait_for("one ready")
        os.kill(self.manager, signal.SIGHUP)
        self.wait_for("one ready", times=2)
        self.wait_for("one retire")

    def test_a_hung_supervisor_is_killed_and_replaced(self):
        def serve(db_name, _settings, link):
            link.say(words.READY)
            self.say(f"{db_name} ready")
            threading.Event().wait()

        self.start(serve)
        self.wait_for("one ready", times=2)

    def test_the_words_of_both_ends_of_a_link_arrive_in_order(self):
        here, there = Link.pair()
        here.say(words.ALIVE, "running")
        here.say(words.REPLACE, "because")
        self.assertEqual(there.listen(), [(words.ALIVE, "running"), (words.REPLACE, "because")])
        here.close()
        self.assertEqual(there.listen(), [])
        self.assertTrue(there.closed)
        there.close()
