"""When an alert fires, repeats and resolves: a pure function of what was and what is. Plain Python."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

PENDING, FIRING, RESOLVED = "pending", "firing", "resolved"
FIRE, REPEAT, RESOLVE = "fire", "repeat", "resolve"


@dataclass(frozen=True)
class Policy:
    """What a rule says.

    :param float threshold: a value of at least so much is bad
    :param float clear_below: a firing alert recovers when the value is below; at most the threshold
    :param timedelta hold: how long it must be bad before the alert fires
    :param timedelta clear_hold: how long it must be recovered before the alert resolves
    :param timedelta repeat: how often people are told again while it fires; zero for once
    """

    threshold: float
    clear_below: float
    hold: timedelta = timedelta(0)
    clear_hold: timedelta = timedelta(0)
    repeat: timedelta = timedelta(0)


@dataclass(frozen=True)
class Episode:
    """One time that a rule was broken: from the first bad value on.

    :param notified_at: when people were last told; None while they have not been
    :param clear_since: since when the value has been below ``clear_below`` without a break
    """

    state: str
    since: datetime
    value: float
    peak: float
    fired_at: datetime | None = None
    notified_at: datetime | None = None
    clear_since: datetime | None = None
    resolved_at: datetime | None = None


def advance(policy, episode, value, now, muted=False):
    """What becomes of an episode.

    :param episode: the open :class:`Episode`, None when all was well
    :param value: what was measured; None when there is nothing to measure, which is no trouble
    :param datetime now: when it was measured
    :param bool muted: nobody is to be told now. It fires and resolves all the same, and who was not told of
        the firing is told when the mute ends, or not at all when it has resolved by then
    :return: ``(episode, event)``: an episode or None, and :data:`FIRE`, :data:`REPEAT`, :data:`RESOLVE` or None
    """
    if episode is None:
        if not _is_bad(policy, value):
            return None, None
        episode = Episode(PENDING, since=now, value=value, peak=value)
    elif value is not None:
        episode = replace(episode, value=value, peak=max(episode.peak, value))
    if episode.state == PENDING:
        if not _is_bad(policy, value):
            return None, None
        if now - episode.since < policy.hold:
            return episode, None
        episode = replace(episode, state=FIRING, fired_at=now)
    return _advance_firing(policy, episode, value, now, muted)


def _advance_firing(policy, episode, value, now, muted):
    if value is None or value < policy.clear_below:
        clear_since = episode.clear_since or now
        if now - clear_since >= policy.clear_hold:
            event = RESOLVE if episode.notified_at and not muted else None
            return replace(episode, state=RESOLVED, resolved_at=now, clear_since=clear_since), event
        return replace(episode, clear_since=clear_since), None
    episode = replace(episode, clear_since=None)
    if muted:
        return episode, None
    if episode.notified_at is None:
        return replace(episode, notified_at=now), FIRE
    if policy.repeat and now - episode.notified_at >= policy.repeat:
        return replace(episode, notified_at=now), REPEAT
    return episode, None


def _is_bad(policy, value):
    return value is not None and value >= policy.threshold
