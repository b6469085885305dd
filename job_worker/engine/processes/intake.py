"""From the queue to the executors: claims, what is claimed ahead, and giving back."""

import time

from ..channels import ChannelFilter
from ..claim import claim_jobs, promote_due_jobs, seconds_to_next_due
from ..memory import ClaimMemory
from .lookahead import Lookahead, line_length, wanted_ahead
from .outcomes import give_back


class Intake:
    """Claims jobs when there is a reason to, and hands them out.

    :param settings: :class:`~..config.WorkerSettings`
    :param control: :class:`~.control.ControlConnection`
    :param pool: :class:`~.pool.ExecutorPool`
    :param due: :class:`~.schedule.Schedule` with a step ``look``
    """

    def __init__(self, settings, control, pool, due):
        self.ahead = Lookahead(settings.concurrency)
        self.memory = ClaimMemory()
        # Whether people look at the queue: executors tell them what happens.
        self.watched = False
        self._settings = settings
        self._channels = ChannelFilter.parse(settings.channels)
        self._control = control
        self._pool = pool
        self._due = due
        # Whether the last claim got all that it asked for, so that there is probably more.
        self._more = False
        # When the next scheduled job is due (monotonic seconds), and whether that may have changed.
        self._next_due = 0.0
        self._told = True

    def hand_out(self):
        self.ahead.hand_out(self._pool.idle, self.watched)

    def give_back_all(self, why):
        """Give back what was claimed ahead and must not start any more."""
        self._give_back(self._pool.recall(at_once=True) + self.ahead.take_all(), why)

    def give_back_late(self):
        """Give back what would wait: other executors, here or elsewhere, may be idle."""
        if self.ahead and time.monotonic() >= self.ahead.deadline:
            self._give_back(self.ahead.take_all(), "all executors are busy with long jobs")
        # Not to the others of this worker directly: jobs run in the order of their tokens, see Lookahead.
        if time.monotonic() >= self._pool.next_recall:
            self._give_back(self._pool.recall(), "they stood in line behind a long job")
            self._due.now("look")  # in the next turn, which also passes on what has ended there

    def _give_back(self, jobs, why):
        if jobs:
            with self._control.cursor() as cursor:
                give_back(cursor, jobs, why)
            self.told()

    def look_for_jobs(self):
        """Claim when there is a reason to: a notification, an end, a due job, more where the last came from."""
        free, ahead = self._room()
        if not (self._due.is_due("look") or (self._more and free + ahead > 0)):
            return
        sleep = [self._settings.poll_timeout]
        if free + ahead > 0:
            with self._control.cursor() as cursor:
                if time.monotonic() >= self._next_due:
                    self._promote(cursor)
                sleep.append(self._claim(cursor, free, ahead))
                if self._told:  # perhaps of a job that is scheduled before the known ones
                    self._told = False
                    self._note_due(seconds_to_next_due(cursor, self.memory))
            sleep.append(self._next_due - time.monotonic())
        self._due.again("look", max(0.0, min(seconds for seconds in sleep if seconds is not None)))

    def told(self):
        """A notification has come: something was enqueued, or may start now."""
        self.memory.doubt()
        self._told = True
        self._due.now("look")

    def attempts_ended(self):
        """Attempts have ended: the next one of a job may be due sooner than all that was known."""
        self.memory.doubt_due()
        self._told = True

    def _promote(self, cursor):
        self._note_due(promote_due_jobs(cursor, self.memory))

    def _note_due(self, seconds):
        """Remember when the next scheduled job is due; looked up again at each poll, whatever happens."""
        wait = self._settings.poll_timeout if seconds is None else min(seconds, self._settings.poll_timeout)
        self._next_due = time.monotonic() + max(wait, 0.0)

    def _room(self):
        """How many jobs to claim for idle executors, and how many more ahead of the others."""
        free = len(self._pool.idle)
        wanted = wanted_ahead(self._pool.count_quick(), self._pool.average_seconds)
        # Not for each job that went: a claim costs about the same for one job as for ten.
        missing = wanted - len(self.ahead)
        return free, missing if missing > wanted // 2 else 0

    def _claim(self, cursor, free, ahead):
        """Claim jobs and hand them out; return the seconds until a rate limit allows another, or None."""
        claim = claim_jobs(
            cursor,
            self._control.worker_id,
            self._control.name,
            free,
            ahead,
            channels=self._channels,
            fair=self._settings.fair,
            memory=self.memory,
            line=line_length(self._pool.average_seconds),
            executors=self._settings.concurrency,
            on_claimed=self._take_in,
        )
        self._more = len(claim.jobs) == free + ahead
        return claim.retry_in

    def _take_in(self, jobs):
        self.ahead.add(jobs)
        self.hand_out()
