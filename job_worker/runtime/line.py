"""The jobs of an order that run one after the other, each in its own transaction."""

_NOT_ASKED = object()


class Line:
    """Walks through ``jobs``; which one is next may be asked before it begins.

    :param list jobs: :class:`~..engine.job.ClaimedJob`
    :param at: callable to be told the index of each job that begins
    :param may_follow: callable telling whether one more job is left to this process, which then has to run it
    """

    def __init__(self, jobs, at, may_follow):
        self._jobs = jobs
        self._at = at
        self._may_follow = may_follow
        self._index = -1
        self._following = _NOT_ASKED

    def following(self):
        """The job after the one that runs; None when there is none, or when it was taken back."""
        if self._following is _NOT_ASKED:
            index = self._index + 1
            is_ours = index < len(self._jobs) and (index == 0 or self._may_follow())
            self._following = self._jobs[index] if is_ours else None
        return self._following

    def advance(self):
        """Begin the next job and return it; None at the end."""
        job = self.following()
        self._following = _NOT_ASKED
        if job is not None:
            self._index += 1
            self._at(self._index)
        return job
