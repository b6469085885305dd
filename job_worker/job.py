"""Public constants of jobs: states and the defaults of their options."""

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
