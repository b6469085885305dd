from . import models
from . import controllers


def uninstall_hook(env):
    """Take the trigger off the table of another module."""
    env.cr.execute("DROP TRIGGER IF EXISTS queue_worker_monitor_end ON queue_worker")
    env.cr.execute("DROP FUNCTION IF EXISTS queue_worker_monitor_end")
