"""What the documentation promises is there."""

import json
import re
from pathlib import Path
from unittest import SkipTest

from odoo.tests.common import TransactionCase

from ..metrics.exposition import expose
from ..models.queue_alert_rule import KINDS
from ..models.queue_alert_webhook import sign
from ..models.queue_metric_collect import KEEP_DAYS

DOCS = Path(__file__).resolve().parents[2] / "docs"
_METRIC = re.compile(r"\bjob_worker_(?!monitor\b)[a-z_]+")


class TestMonitoringDocs(TransactionCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        if not (DOCS / "monitoring.md").is_file():
            raise SkipTest(f"The documentation is not in {DOCS}")
        cls.page = (DOCS / "monitoring.md").read_text(encoding="utf-8")

    def test_the_metrics_of_the_page_and_of_grafana_are_exposed(self):
        self.env["queue.metric"]._collect()
        try:
            content, _type = expose(self.env["queue.metric"]._snapshot())
        except ImportError as error:
            raise SkipTest("prometheus_client is not installed") from error
        exposed = set(re.findall(r"# HELP (\w+)", content.decode()))
        known = exposed | {f"{name}_bucket" for name in exposed if name.endswith("_seconds")}
        for name in ("monitoring.md", "grafana/dashboard.json", "grafana/alerts.yml"):
            used = set(_METRIC.findall((DOCS / name).read_text(encoding="utf-8")))
            self.assertTrue(used, name)
            self.assertEqual(used - known, set(), name)
        self.assertEqual(exposed - set(_METRIC.findall(self.page)), set(), "Metrics that the page doesn't have")

    def test_the_dashboard_of_grafana_is_json_with_panels(self):
        dashboard = json.loads((DOCS / "grafana" / "dashboard.json").read_text(encoding="utf-8"))
        self.assertGreater(len(dashboard["panels"]), 10)
        for panel in dashboard["panels"]:
            self.assertTrue(all(target["expr"] for target in panel["targets"]), panel["title"])

    def test_the_page_has_every_kind_of_rule(self):
        self.assertEqual([label for _kind, label in KINDS if f"| {label.split(' (')[0]} |" not in self.page], [])

    def test_the_page_has_the_days_that_metrics_are_kept(self):
        for resolution, (default, least) in KEEP_DAYS.items():
            self.assertIn(f"| {resolution}s are kept | {default} days | {least} |", self.page)

    def test_the_receiver_of_the_page_knows_a_genuine_webhook(self):
        namespace = {}
        code = re.search(r"```python\n(.*?)```", self.page, re.DOTALL)[1]
        exec(compile(code, "monitoring.md", "exec"), namespace)
        headers = {
            "X-Job-Worker-Timestamp": "1767268800",
            "X-Job-Worker-Signature": "sha256=" + sign("secret", "1767268800", b"{}"),
        }
        self.assertTrue(namespace["is_genuine"]("secret", headers, b"{}"))
        self.assertFalse(namespace["is_genuine"]("secret", headers, b"{ }"))
        self.assertFalse(namespace["is_genuine"]("other", headers, b"{}"))
