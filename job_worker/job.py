"""Public constants of jobs: states, defaults of their options, and how to identify them."""

import hashlib

from .engine.states import (  # noqa: F401  (re-exported: the engine owns the states)
    CANCELLED,
    DONE,
    FAILED,
    PENDING,
    STARTED,
    STATES,
    WAITING,
)

DEFAULT_CHANNEL = "root"
DEFAULT_PRIORITY = 10
DEFAULT_MAX_RETRIES = 5


def identity_exact(job):
    """An identity key for "the same call": same model, method, records and arguments.

        partner.with_delay(identity_key=identity_exact).export()

    :param job: :class:`~.spec.JobSpec`, the job to be enqueued
    :return: str, a SHA-1 in hexadecimal
    """
    from .runtime.payload import encode

    ids = sorted(job.recordset.ids)
    kwargs = {name: job.kwargs[name] for name in sorted(job.kwargs)}
    call = encode([job.model_name, job.method_name, ids, list(job.args), kwargs], "the identity")
    return hashlib.sha1(call.encode(), usedforsecurity=False).hexdigest()
