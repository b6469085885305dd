from .common import NOW, MonitorCase, minutes


class RuleCase(MonitorCase):
    """Rules, played minute by minute."""

    def make_rule(self, kind, **values):
        return self.env["queue.alert.rule"].create({"name": kind, "kind": kind, **values})

    def turn(self, minute=0):
        """Collect and evaluate, ``minute`` minutes after NOW."""
        self.metrics._collect(NOW + minutes(minute))
        self.env["queue.alert"]._evaluate(NOW + minutes(minute))

    def firing(self, rule):
        """``{subject: value}`` of what fires."""
        return {
            alert.subject or "": alert.value
            for alert in self.env["queue.alert"].search([("rule_id", "=", rule.id), ("state", "=", "firing")])
        }

    def fires_from_to(self, rule, first, last, before=-3, after=3):
        """Evaluate minute by minute and assert that the rule fires in exactly the minutes ``first`` to ``last``."""
        fired = []
        for minute in range(first + before, last + after + 1):
            self.turn(minute)
            if self.firing(rule):
                fired.append(minute)
        self.assertEqual(fired, list(range(first, last + 1)))
        alerts = rule.alert_ids
        self.assertEqual(alerts.mapped("state"), ["resolved"])
        self.assertEqual(alerts.fired_at, NOW + minutes(first))
        self.assertEqual(alerts.resolved_at, NOW + minutes(last + 1))

    def make_worker(self, alive=True, **values):
        row = {
            "name": "host:1", "concurrency": 2, "heartbeat": NOW, "started_at": NOW, "session_lock": True, **values
        }  # fmt: skip
        self.env.cr.execute(
            f"INSERT INTO queue_worker ({', '.join(row)}) VALUES ({', '.join(['%s'] * len(row))}) RETURNING id",
            list(row.values()),
        )
        (worker_id,) = self.env.cr.fetchone()
        if alive:  # held by this very session, and given up with the test's transaction
            self.env.cr.execute("SELECT pg_advisory_xact_lock(%s, %s)", [0x6A6F62, worker_id])
        return worker_id
