"""Fills the demo database with jobs of all kinds. Run by `odoo shell`, which gives it `env`.

`many_jobs.sql` of the benchmarks brings the mass, then most scenarios of the demo module are
started, for the worker to run.
"""

import json
from pathlib import Path

from odoo.addons.job_worker.delay import chain, group

env = env(user=env.ref("base.user_admin"))  # noqa: F821
JOBS = 100_000
sql = Path(fill_sql).read_text()  # noqa: F821  (given by screenshots.py)
env.cr.execute("SELECT count(*) FROM queue_job WHERE model_name = 'res.partner'")
if env.cr.fetchone()[0] < JOBS:
    names = ("Anna Keller", "Ben Novak", "Chloé Martin", "Diego Ruiz", "Eva Lind")
    users = env["res.users"].with_context(no_reset_password=True).create(
        [{"name": name, "login": f"fill-{number}"} for number, name in enumerate(names)]
    )
    env.flush_all()
    env.cr.execute(sql, {"jobs": JOBS, "users": users.ids, "company": env.company.id})
    env.cr.execute(
        """UPDATE queue_job SET state = 'done', completed_at = create_date
            WHERE model_name = 'res.partner' AND (state = 'waiting' OR state = 'started'
                                                  OR (state = 'pending' AND NOT scheduled))"""
    )
    fill_month(env)  # noqa: F821  (of fill_monitor.py)
    play_alerts(env)  # noqa: F821
    for values in (
        {"name": "root.export", "limit": 3},
        {"name": "root.import", "limit": 2},
        {"name": "root.mail", "limit": -1, "rate_limit": 5, "burst": 10},
        {"name": "report", "limit": 4, "paused": True},
    ):
        env["queue.limit"].search([("name", "=", values["name"])]) or env["queue.limit"].create(values)
scenarios = env["queue.demo.scenario"].search([("code", "not in", ("bulk", "kill", "priority", "key", "progress"))])
scenarios.action_run()
# One job that runs and one graph in the middle of its work, for as long as the pictures take.
tasks = env["queue.demo.task"].create([{"name": f"Picture {number}"} for number in range(64)])
running = tasks[0].with_delay(description="Import the price list", priority=1).work_in_steps(2400)
start, invoices, check = tasks[1].delayable(description="Collect the orders"), tasks[4:], tasks[2]
parts = group(*[
    task.delayable(description=f"Invoice of {task.name}", priority=2).take_a_while(6) for task in invoices
])
bad = check.delayable(description="Check the customer's address", priority=1, max_retries=1).give_up("No address")
bad.on_error(check.delayable(description="Write to the salesperson").say("Written"))
bad.on_done(check.delayable(description="Send the letter").say("Sent"))
report = tasks[3].delayable(description="Report of the month").say("All invoiced")
chain(start.say("Collected"), group(parts, bad), report).delay()
for number in range(6):
    task = env["queue.demo.task"].create({"name": f"Report {number}"})
    task.with_delay(description=f"Print report {number}", channel="report.monthly").say("Printed")
env.cr.commit()  # pylint: disable=invalid-commit


def first(*domain):
    """The id of a job to show."""
    return env["queue.job"].search([*domain], order="id desc", limit=1).id


ids = {
    "failed": first(("state", "=", "failed"), ("model_name", "=", "queue.demo.task")),
    "running": running.id,
    "graph": first(("name", "=", "Collect the orders")),
    "alert": env["queue.alert"].search([("rule_id.name", "=", "E-mails fail")], limit=1).id,
    "scenario": env["queue.demo.scenario"].search([("code", "=", "fan_out")]).id,
}
print("\nSANDBOX-RESULT:" + json.dumps(ids), flush=True)
