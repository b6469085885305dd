"""The manager: the parent of one supervisor per database.

It holds no connection and loads no models, so that each supervisor it forks imports the addons
as they are by then. A supervisor whose models are out of date gets a successor; the old one ends when its
running jobs have ended. Trouble with one database never reaches another.
"""

import logging
import os
import selectors
import signal
import time

from . import link as words
from .schedule import Schedule
from .service import Service
from .signals import SignalInbox, describe_exit
from .systemd import Systemd
from .wakeups import wait_and_call

_logger = logging.getLogger(__name__)

# Waits before a supervisor that ended by trouble is started again: doubling, from the first to the last.
RESTART_SECONDS = (0.2, 60.0)


class Manager:
    """Keeps a supervisor running for each database until SIGTERM, SIGINT or :meth:`stop`.

    :param settings: :class:`~..config.WorkerSettings`
    :param find_databases: callable giving the set of names to serve now, or None when that can't be told now
    :param serve: callable ``(db_name, settings, link)`` that serves a database in a forked child, where it
        loads all it needs, and returns the exit code
    :param reconfigure: callable giving new settings at SIGHUP, or None to keep the present ones
    """

    def __init__(self, settings, find_databases, serve, reconfigure=lambda: None):
        self.settings = settings
        self._find_databases = find_databases
        self._serve = serve
        self._reconfigure = reconfigure
        self._signals = SignalInbox()
        self._selector = selectors.DefaultSelector()
        self._systemd = Systemd()
        self._services = []
        self._databases = set()
        self._outdated = set()
        self._not_before = {}
        self._restart_wait = {}
        self._due = Schedule("discover")
        self._stops = 0

    def run(self):
        """Serve until told to stop, in the main thread.

        :return: exit code 0
        """
        self._signals.install()
        self._selector.register(self._signals, selectors.EVENT_READ, self._signals.drain)
        try:
            while not (self._stops and not self._services):
                self._turn()
        finally:
            for service in self._services:
                service.kill()
            self._selector.close()
            self._signals.uninstall()
            self._signals.close()
        return 0

    def stop(self):
        """Ask for a graceful stop, from any thread; a second call stops at once."""
        self._signals.post(signal.SIGTERM)

    # -- the loop -------------------------------------------------------------------

    def _turn(self):
        self._wait()
        self._obey_signals()
        self._listen()
        self._reap()
        self._kill_hung()
        self._discover()
        self._start_missing()
        self._systemd.tell(self._status())

    def _wait(self):
        due = [self._systemd.next_watchdog]
        if not self._stops:
            due += [self._due.next("discover"), *self._not_before.values()]
        due += [self._silence_deadline(service) for service in self._services if service.ready]
        wait_and_call(self._selector, max(0.0, min(due) - time.monotonic()))

    def _obey_signals(self):
        for _signal in range(self._signals.take(signal.SIGTERM, signal.SIGINT)):
            self._stops += 1
            word = words.STOP if self._stops == 1 else words.STOP_NOW
            _logger.info("Stopping" if self._stops == 1 else "Stopping at once")
            self._systemd.stopping()
            for service in self._services:
                service.leave(word)
        if self._signals.take(signal.SIGHUP) and not self._stops:
            self._reload()
        if self._signals.take(signal.SIGUSR1):
            self._dump()
        self._signals.take(signal.SIGCHLD)

    def _reload(self):
        """Take over a changed configuration, and let a successor of each supervisor load all anew."""
        self._systemd.reloading()
        try:
            self.settings = self._reconfigure() or self.settings
        except ValueError as error:
            _logger.error("The configuration stays as it is: %s", error)
        _logger.info("Reloading")
        self._outdated |= {service.db_name for service in self._services}
        self._due.now("discover")

    def _dump(self):
        _logger.info("Serving %s", self._status())
        for service in self._services:
            _logger.info("Database %s: process %d, %s", service.db_name, service.pid, service.status)
            service.link.say(words.DUMP)

    def _listen(self):
        for service in self._services:
            was_ready = service.ready
            if (reason := service.listen()) is not None and not service.leaving:
                _logger.info("Database %s gets a new process: %s", service.db_name, reason)
                self._outdated.add(service.db_name)
            if service.ready and not was_ready:
                self._restart_wait.pop(service.db_name, None)
                self._retire_others(service)

    def _retire_others(self, successor):
        for service in self._services:
            if service.db_name == successor.db_name and service is not successor and not service.leaving:
                service.leave(words.RETIRE)

    def _reap(self):
        for service in list(self._services):
            pid, status = os.waitpid(service.pid, os.WNOHANG)
            if pid:
                self._bury(service, status)

    def _bury(self, service, status):
        self._services.remove(service)
        self._selector.unregister(service)
        service.link.close()
        if service.leaving or status == 0:
            return
        wait = self._restart_wait.get(service.db_name, RESTART_SECONDS[0])
        self._not_before[service.db_name] = time.monotonic() + wait
        self._restart_wait[service.db_name] = min(2 * wait, RESTART_SECONDS[1])
        how = describe_exit(status)
        _logger.error("Database %s: its process %d %s, started again in %g s", service.db_name, service.pid, how, wait)
        if not service.ready and self._current(service.db_name):
            self._outdated.add(service.db_name)  # it was to be a successor, which is still needed

    def _kill_hung(self):
        """Kill a supervisor that has said nothing for too long, though it got one more chance.

        When this process and its children were all frozen for a while, their silence means nothing.
        """
        for service in self._services:
            if not service.ready or time.monotonic() < self._silence_deadline(service):
                continue
            if service.suspected_since is None:
                service.suspected_since = time.monotonic()
                continue
            _logger.error("Database %s: its process %d hangs and is killed", service.db_name, service.pid)
            service.ready = False
            service.kill()

    def _silence_deadline(self, service):
        if service.suspected_since is not None:
            return service.suspected_since + self.settings.heartbeat_interval_seconds
        return service.last_sign + self.settings.stale_after_seconds

    def _discover(self):
        if self._stops or not self._due.is_due("discover"):
            return
        databases = self._find_databases()
        if databases is not None:
            for db_name in self._databases - databases:
                self._drop(db_name)
            if databases != self._databases:
                _logger.info("Serving %s", ", ".join(sorted(databases)) or "no database yet")
            self._databases = databases
        self._due.again("discover", self.settings.discovery_interval_seconds)

    def _drop(self, db_name):
        _logger.warning("Database %s is gone or lacks job_worker of this version: it is not served any more", db_name)
        self._not_before.pop(db_name, None)
        for service in self._services:
            if service.db_name == db_name:
                service.leave(words.STOP_NOW)

    def _start_missing(self):
        """Start a process for each database that has none, and a successor for each that is out of date."""
        if self._stops:
            return
        for db_name in sorted(self._databases):
            if time.monotonic() < self._not_before.get(db_name, 0.0):
                continue
            self._not_before.pop(db_name, None)
            current = self._current(db_name)
            if not current or (db_name in self._outdated and all(service.ready for service in current)):
                self._outdated.discard(db_name)
                self._start(db_name)

    def _current(self, db_name):
        """The processes that serve a database or are about to, without those that are leaving."""
        return [service for service in self._services if service.db_name == db_name and not service.leaving]

    def _start(self, db_name):
        serve = lambda name, link: self._serve(name, self.settings, link)  # noqa: E731
        service = Service.fork(db_name, serve, self._let_go_in_child)
        self._services.append(service)
        self._selector.register(service, selectors.EVENT_READ, lambda: None)

    def _status(self):
        """All databases with what their process does, in words; empty while one is still starting."""
        states = {service.db_name: service.status for service in self._services if not service.leaving}
        text = ", ".join(f"{name} ({status})" for name, status in sorted(states.items())) or "no database"
        starting = any(not service.ready for service in self._services if not service.leaving)
        return "" if starting and not self._stops else text

    def _let_go_in_child(self):
        self._signals.uninstall()
        self._signals.close()
        self._selector.close()
        self._systemd.close()
        for service in self._services:
            service.link.close()
