"""The worker's log as JSON, one object per line, for collectors that read fields."""

import json
import logging
import threading
from datetime import datetime, timezone

_text_formatters = {}


class JsonFormatter(logging.Formatter):
    """``time`` (UTC, ISO 8601), ``level``, ``logger``, ``message``, ``pid``, ``database``, ``exception``.

    The line of an attempt of a job has its parts below ``job``: ``uuid``, ``channel``, ``function``,
    ``attempt``, ``seconds``, ``outcome``.
    """

    def format(self, record):
        entry = {
            "time": datetime.fromtimestamp(record.created, timezone.utc).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
            "pid": record.process,
            "database": getattr(threading.current_thread(), "dbname", None),
        }
        if job := getattr(record, "job", None):
            entry["job"] = job
        if record.exc_info:
            entry["exception"] = self.formatException(record.exc_info)
        return json.dumps(entry, default=str)


def use_log_format(log_format):
    """Let the handlers that Odoo has set up write ``text`` as Odoo does, or ``json``."""
    for handler in logging.getLogger().handlers:
        text = _text_formatters.setdefault(handler, handler.formatter)
        handler.setFormatter(JsonFormatter() if log_format == "json" else text)
