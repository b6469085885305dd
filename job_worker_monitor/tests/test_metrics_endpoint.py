from unittest import skipUnless
from unittest.mock import patch

from odoo.tests import HttpCase, tagged
from odoo.tools import mute_logger

from ..metrics.exposition import BOUNDS
from ..models.res_config_settings import NETWORKS, TOKEN
from .common import NOW, MonitorCase

try:
    from prometheus_client.parser import text_string_to_metric_families as parse
except ImportError:
    parse = None

PATH = "/job_worker/metrics"


@tagged("post_install", "-at_install")
class TestMetricsEndpoint(MonitorCase, HttpCase):
    def setUp(self):
        super().setUp()
        self.parameters = self.env["ir.config_parameter"]
        self.parameters.set_param(TOKEN, "secret token")
        self.parameters.set_param(NETWORKS, "")

    def scrape(self, token="secret token"):
        return self.url_open(PATH, headers={"Authorization": f"Bearer {token}"} if token else {})

    def test_it_is_off_until_it_is_configured(self):
        self.parameters.set_param(TOKEN, "")
        for token in ("", "secret token"):
            self.assertEqual(self.scrape(token).status_code, 404)

    def test_only_who_brings_the_token_is_answered(self):
        for token in ("", "wrong", "secret", "secret token "[:-2]):
            answer = self.scrape(token)
            self.assertEqual(answer.status_code, 401)
            self.assertIn("Bearer", answer.headers["WWW-Authenticate"])
            self.assertNotIn("job_worker_jobs", answer.text)
        self.assertEqual(self.scrape().status_code, 200)

    def test_who_comes_from_a_network_needs_no_token(self):
        self.parameters.set_param(NETWORKS, "10.0.0.0/8, 127.0.0.0/8")
        self.assertEqual(self.scrape("").status_code, 200)
        self.parameters.set_param(NETWORKS, "10.0.0.0/8")
        self.assertEqual(self.scrape("").status_code, 401)
        self.assertEqual(self.scrape().status_code, 200, "The token opens from everywhere")

    @mute_logger("odoo.http")
    def test_without_the_library_it_says_what_is_missing(self):
        with patch("odoo.addons.job_worker_monitor.controllers.metrics.expose", side_effect=ImportError):
            answer = self.scrape()
        self.assertEqual(answer.status_code, 503)
        self.assertIn("pip install prometheus_client", answer.text)

    @skipUnless(parse, "prometheus_client is not installed")
    def test_a_scrape_has_the_metrics_of_the_queue(self):
        for duration in (0.2, 0.2, 7):
            self.make_job(channel="root.export", duration=duration, wait=3)
        self.make_job("failed", channel="root.export", duration=100)
        self.make_attempt(self.make_job("pending", wait=0))
        self.make_job("started", channel='odd "name"\\ and\nline')
        self.metrics._collect(NOW)
        families = {family.name: family for family in parse(self.scrape().text)}

        self.assertEqual(families["job_worker_jobs"].type, "gauge")
        self.assertEqual(self.value(families, "job_worker_jobs", channel="root", state="ready"), 1)
        odd = {"channel": 'odd "name"\\ and\nline', "state": "started"}
        self.assertEqual(self.value(families, "job_worker_jobs", **odd), 1)
        self.assertEqual(families["job_worker_jobs_ended"].type, "counter")
        ended = {"channel": "root.export", "outcome": "done"}
        self.assertEqual(self.value(families, "job_worker_jobs_ended", "_total", **ended), 3)
        self.assertEqual(self.value(families, "job_worker_attempts_failed", "_total", channel="root"), 1)

        self.assertEqual(families["job_worker_job_duration_seconds"].type, "histogram")
        name = "job_worker_job_duration_seconds"
        self.assertEqual(self.value(families, name, "_count", **ended), 3)
        self.assertAlmostEqual(self.value(families, name, "_sum", **ended), 7.4)
        counts = [self.value(families, name, "_bucket", le=str(float(bound)), **ended) for bound in BOUNDS]
        self.assertEqual(counts, [2 * (bound >= 0.25) + (bound >= 10) for bound in BOUNDS])
        self.assertEqual(self.value(families, name, "_bucket", le="+Inf", **ended), 3)
        self.assertEqual(self.value(families, "job_worker_job_wait_seconds", "_bucket", le="2.5", **ended), 0)
        self.assertEqual(self.value(families, "job_worker_job_wait_seconds", "_bucket", le="5.0", **ended), 3)
        self.assertEqual(self.value(families, "job_worker_workers", state="alive"), 0)
        self.assertEqual(self.value(families, "job_worker_alerts_firing", severity="critical"), 0)

    def value(self, families, name, suffix="", **labels):
        (value,) = [
            sample.value
            for sample in families[name].samples
            if sample.name == name + suffix and sample.labels == labels
        ]
        return value
