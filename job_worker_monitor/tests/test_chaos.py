"""Real workers die, and people hear of it."""

import json
from unittest import SkipTest

from odoo.modules.registry import Registry
from odoo.tests import tagged
from odoo.tests.common import BaseCase, get_db_name

from odoo.addons.job_worker.engine.workers import WORKER_LOCK_CLASS

from .webhook_server import WebhookServer

try:
    from odoo.addons.test_job_worker.tests.common import WorkerCase
except ImportError:  # the module of tests isn't on the addons path
    WorkerCase = BaseCase


@tagged("post_install", "-at_install")
class TestChaos(WorkerCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        if "queue.test.ledger" not in Registry(get_db_name()):
            raise SkipTest("test_job_worker, whose kit starts workers, is not installed")

    def setUp(self):
        super().setUp()
        self.server = WebhookServer()
        self.addCleanup(self.server.close)
        self.addCleanup(self.forget)
        self.query("DELETE FROM queue_monitor_worker")
        with self.committed() as env:
            env["queue.alert.rule"].search([]).active = False
            webhook = env["queue.alert.webhook"].create({"name": "Pager", "url": self.server.url, "secret": "s"})
            admin = env.ref("base.user_admin")
            self.rules = {
                kind: env["queue.alert.rule"]
                .create({"name": kind, "kind": kind, "webhook_ids": webhook.ids, "chat_user_ids": admin.ids})
                .id
                for kind in ("no_worker", "dead_workers")
            }

    def forget(self):
        with self.committed() as env:
            rules = env["queue.alert.rule"].browse(self.rules.values())
            rules.alert_ids.unlink()
            rules.unlink()
            env["queue.alert.webhook"].search([("url", "=", self.server.url)]).unlink()
            for name in ("no_worker", "dead_workers"):
                env.ref(f"job_worker_monitor.rule_{name}").active = True
            env.cr.execute("DELETE FROM queue_monitor_worker")

    def turn(self):
        """What the cron does each minute."""
        with self.committed() as env:
            env["queue.monitor"]._run_turn()

    def alert(self, kind):
        """The state of a rule's last alert, and what was sent."""
        with self.committed() as env:
            alert = env["queue.alert"].search([("rule_id", "=", self.rules[kind])], limit=1)
            sent = alert.delivery_ids.sorted("id").mapped(lambda row: (row.event, row.method, row.state))
            return alert.state, sent

    def posted(self, kind):
        """The events of a rule that the webhook's server has received."""
        contents = [json.loads(body) for _headers, body in self.server.received]
        return [content["event"] for content in contents if content["alert"]["kind"] == kind]

    def test_a_killed_worker_is_told_of_while_none_lives_and_resolved_when_the_next_has_taken_over(self):
        worker = self.start_worker()
        self.turn()
        self.assertEqual(self.alert("no_worker"), (False, []))

        job_id = self.enqueue_act("orphan", "sleep", 3600)
        self.wait_for_state(job_id, "started")
        worker.kill()
        worker.wait()
        self.wait_until(lambda: not self.held_locks(), "PostgreSQL has dropped the session of the dead worker")
        self.turn()
        self.assertEqual(self.alert("no_worker"), ("firing", [("fire", "chat", "sent"), ("fire", "webhook", "sent")]))
        self.assertEqual(self.alert("dead_workers")[0], "firing")
        self.assertEqual(self.posted("no_worker"), ["fire"], "By the cron itself, as nobody runs jobs")

        self.start_worker()
        self.wait_until(lambda: self.job(job_id, "attempts") == 1, "the job of the dead worker is rescued")
        self.assertEqual(self.query("SELECT died FROM queue_monitor_worker"), [(True,)])
        self.turn()
        self.assertEqual(self.alert("no_worker")[0], "resolved")
        self.assertEqual(self.alert("dead_workers")[0], "firing", "It is gone from the list, but it did die")
        self.wait_until(lambda: self.posted("no_worker") == ["fire", "resolve"], "a job has posted the resolution")

        self.query("UPDATE queue_monitor_worker SET ended_at = ended_at - interval '11 minutes'")
        self.turn()
        self.assertEqual(self.alert("dead_workers")[0], "resolved")

    def test_a_worker_that_is_stopped_is_no_death(self):
        worker = self.start_worker()
        worker.terminate()
        self.assertEqual(worker.wait(60), 0)
        self.assertEqual(self.query("SELECT died FROM queue_monitor_worker"), [(False,)])
        self.turn()
        self.assertEqual((self.alert("no_worker")[0], self.alert("dead_workers")[0]), ("firing", False))

    def held_locks(self):
        return self.query(
            "SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND classid = %s AND objsubid = 2 AND granted"
            " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())",
            WORKER_LOCK_CLASS,
        )
