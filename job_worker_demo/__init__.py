from . import models


def uninstall_hook(env):
    """Leave no jobs behind whose model is gone."""
    env["queue.job"].search([("model_name", "=like", "queue.demo.%"), ("state", "!=", "started")]).unlink()
