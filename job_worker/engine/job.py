"""A claimed job as it travels from the claim to its executor."""

import json
from dataclasses import dataclass, fields
from typing import NamedTuple


@dataclass(frozen=True)
class ClaimedJob:
    """What an executor needs to run a job and to prove that the job is its own.

    ``claim_token`` is new with each claim: only statements that carry the current
    one may change the row. ``attempts`` counts the attempts charged before this one.
    ``line_token`` is the claim token of the first job of its line, see ``claim_jobs`` in sql/claim.sql.
    ``limited`` when a limit of its channel was in force at the claim.
    """

    id: int
    claim_token: int
    line_token: int
    uuid: str
    model_name: str
    method_name: str
    payload: str
    user_id: int | None
    company_id: int | None
    channel: str
    attempts: int
    max_retries: int
    timeout: int
    retry_pattern: str | None
    crashes: int
    has_dependents: bool
    concurrency_key: str | None = None
    limited: bool = False
    batch_size: int = 1

    @property
    def holds_slot(self):
        """Whether its end lets another job start that had to wait for it."""
        return self.limited or self.concurrency_key is not None

    def batches_with(self, other):
        """Whether both may share a transaction: one function, opted in, without a clock or a slot of its own."""
        return (
            min(self.batch_size, other.batch_size) > 1
            and (self.model_name, self.method_name) == (other.model_name, other.method_name)
            and not (self.timeout or other.timeout or self.holds_slot or other.holds_slot)
        )

    @property
    def attempt(self):
        """The number of this attempt, from 1."""
        return self.attempts + 1


@dataclass(frozen=True)
class Order:
    """What an executor is told to do.

    :param list jobs: :class:`ClaimedJob` to run
    :param bool watched: whether somebody looks at the queue
    :param bool together: all in one transaction, a batch; else one after the other, a line
    """

    jobs: list
    watched: bool = False
    together: bool = False

    def to_bytes(self):
        return json.dumps([[vars(job) for job in self.jobs], self.watched, self.together]).encode()

    @classmethod
    def from_bytes(cls, data):
        jobs, watched, together = json.loads(data)
        return cls([ClaimedJob(**job) for job in jobs], watched, together)


class ClaimRef(NamedTuple):
    """What names a claim: enough to give a job back."""

    id: int
    claim_token: int


COLUMNS = tuple(field.name for field in fields(ClaimedJob))
