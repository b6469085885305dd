"""The worker's settings: what they mean, their defaults, and how they are checked."""

import os
from dataclasses import dataclass, field, fields

from .channels import ChannelFilter

LOG_FORMATS = ("text", "json")
MEBIBYTE = 1024**2


def _setting(default, unit, minimum, help_text):
    return field(default=default, metadata={"unit": unit, "minimum": minimum, "help": help_text})


@dataclass(frozen=True)
class WorkerSettings:
    """Settings of one worker. Durations are in seconds, sizes in bytes."""

    concurrency: int = _setting(
        os.cpu_count() or 1, "N", 1, "jobs run at the same time for each database, each in its own process"
    )
    channels: str = _setting(
        "", "NAMES", None, "serve only these channels and those below them; -NAME leaves one out; empty for all"
    )
    fair: bool = _setting(False, "BOOL", None, "share executors between channels, whatever their backlogs")
    poll_timeout: float = _setting(5.0, "SECONDS", 0.01, "longest sleep between two looks at the queue")
    heartbeat_interval_seconds: float = _setting(10.0, "SECONDS", 0.1, "time between two signs of life")
    stale_after_seconds: float = _setting(
        60.0, "SECONDS", 1, "a worker without a sign of life for so long is taken for dead"
    )
    max_backoff_seconds: float = _setting(3600.0, "SECONDS", 0, "longest wait before a retry")
    timeout_grace_seconds: float = _setting(
        5.0, "SECONDS", 0, "time that a job past its timeout, or a cancelled one, gets to clean up before it is killed"
    )
    shutdown_grace_seconds: float = _setting(
        30.0, "SECONDS", 0, "time that running jobs get to end at shutdown before they are put back"
    )
    missing_code_seconds: float = _setting(
        300.0, "SECONDS", 0, "time that a job waits for a model or method that isn't there yet"
    )
    recycle_after_jobs: int = _setting(10000, "N", 0, "jobs after which an executor is replaced; 0 for never")
    limit_memory_soft: int = _setting(
        2048 * MEBIBYTE, "BYTES", 0, "an executor with more virtual memory is replaced after its job; 0 for no limit"
    )
    limit_memory_hard: int = _setting(
        2560 * MEBIBYTE, "BYTES", 0, "virtual memory that a job can't get past: it fails; 0 for no limit"
    )
    discovery_interval_seconds: float = _setting(
        30.0, "SECONDS", 0.1, "time between two looks for databases that came or went"
    )
    db_host: str = _setting("", "HOST", None, "server of the control connection, past a pooler; empty for Odoo's")
    db_port: int = _setting(0, "PORT", 0, "port of the control connection, past a pooler; 0 for Odoo's")
    log_format: str = _setting("text", "FORMAT", None, "text, or json for one JSON object per line")

    def __post_init__(self):
        for spec in fields(self):
            _check_value(spec, getattr(self, spec.name))
        if self.stale_after_seconds <= 2 * self.heartbeat_interval_seconds:
            raise ValueError(
                f"stale_after_seconds ({self.stale_after_seconds:g}) must be more than twice"
                f" heartbeat_interval_seconds ({self.heartbeat_interval_seconds:g})"
            )
        if self.log_format not in LOG_FORMATS:
            raise ValueError(f"log_format must be {' or '.join(LOG_FORMATS)}, not {self.log_format!r}")
        ChannelFilter.parse(self.channels)


def _check_value(spec, value):
    kind = type(spec.default)
    if kind in (bool, str):
        if not isinstance(value, kind):
            raise ValueError(f"{spec.name} must be {'True or False' if kind is bool else 'a text'}, not {value!r}")
        return
    if not isinstance(value, (int, float)) or isinstance(value, bool):
        raise ValueError(f"{spec.name} must be a number, not {value!r}")
    if value < spec.metadata["minimum"]:
        raise ValueError(f"{spec.name} must be at least {spec.metadata['minimum']}, not {value!r}")
    if kind is int and int(value) != value:
        raise ValueError(f"{spec.name} must be a whole number, not {value!r}")
