"""Which of the ready jobs to claim, when limits and keys are in play: a pure decision."""

from dataclasses import dataclass, field
from typing import NamedTuple


class Candidate(NamedTuple):
    """A ready job; ``busy`` when another one of its key runs."""

    id: int
    channel: str
    priority: int
    due_at: object
    key: str | None
    busy: bool

    def rank(self):
        return self.priority, self.due_at, self.id


@dataclass
class Picked:
    """Ids in the order to be claimed, and keys of which a job stood in the way of its turn."""

    ids: list = field(default_factory=list)
    blocked_keys: set = field(default_factory=set)


def pick_jobs(candidates, rooms, free, count):
    """Pick up to ``count`` jobs, the first ``free`` of them for idle executors.

    :param candidates: :class:`Candidate` in the order of preference
    :param rooms: :class:`~.rooms.Rooms`; what is picked is taken from it
    :return: :class:`Picked`; beyond ``free`` there are only jobs without limit and key
    """
    picked, keys = Picked(), set()
    for job in candidates:
        if len(picked.ids) >= count:
            break
        if job.key is not None and (job.busy or job.key in keys):
            picked.blocked_keys.add(job.key)
            continue
        holds_slot = job.key is not None or rooms.is_limited(job.channel)
        if not rooms.is_open(job.channel) or (holds_slot and len(picked.ids) >= free):
            continue
        rooms.take(job.channel)
        keys.add(job.key)
        picked.ids.append(job.id)
    return picked


def order_fairly(candidates, served, running):
    """Candidates in rounds: one of each channel, then the second of each, and so on.

    What a channel has running counts as had already; among equals comes first which was served
    the longest ago.

    :param dict served: channel to a number that grows with each time it is served
    :param dict running: channel to its number of running jobs
    """
    rounds = dict(running)
    order = []
    for job in sorted(candidates, key=Candidate.rank):
        rounds[job.channel] = rounds.get(job.channel, 0) + 1
        order.append(((rounds[job.channel], served.get(job.channel, 0), *job.rank()), job))
    return [job for _key, job in sorted(order)]
