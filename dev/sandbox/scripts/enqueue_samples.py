"""Enqueues the demo module's sample jobs. Run by `odoo shell`, which gives it `env`."""

import json

samples = env(user=env.ref("base.user_admin"))["queue.demo.task"].enqueue_samples()  # noqa: F821
env.cr.commit()  # noqa: F821  # pylint: disable=invalid-commit
expected = [{"id": job.id, "state": state, "attempts": attempts} for job, state, attempts in samples]
print("\nSANDBOX-RESULT:" + json.dumps(expected), flush=True)
