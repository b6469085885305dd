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

FINAL = (DONE, FAILED, CANCELLED)

# How long an attempt took, in classes that can be grouped by; set by finish_job and fail_job.
DURATION_BUCKETS = [
    ("0", "Below 100 ms"),
    ("1", "100 ms to 1 s"),
    ("2", "1 to 10 s"),
    ("3", "10 s to 1 min"),
    ("4", "1 to 10 min"),
    ("5", "Above 10 min"),
]

# Where a job with a concurrency key stands among the ready ones of its key, empty for the first; see keys.py.
KEY_PLACES = [
    ("new", "New"),
    ("behind", "Behind Another"),
]
