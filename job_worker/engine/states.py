"""The states of a job, as stored in ``queue_job.state``."""

WAITING = "waiting"  # for the jobs it depends on
PENDING = "pending"  # ready, or scheduled for later
STARTED = "started"  # claimed by a worker
DONE = "done"
FAILED = "failed"
CANCELLED = "cancelled"

STATES = [
    (WAITING, "Waiting"),
    (PENDING, "Pending"),
    (STARTED, "Started"),
    (DONE, "Done"),
    (FAILED, "Failed"),
    (CANCELLED, "Cancelled"),
]
