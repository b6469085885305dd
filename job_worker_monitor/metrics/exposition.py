"""The queue's metrics in the form of Prometheus. Needs the library prometheus_client, imported where it is used."""

from .histogram import cumulative

# Upper bounds of the histograms, in seconds.
BOUNDS = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 600, 1800, 3600)
STATES = ("ready", "scheduled", "waiting", "started")


def expose(snapshot, accept=""):
    """Return ``(content, content type)`` of an exposition.

    :param dict snapshot: what ``queue.metric._snapshot`` returns
    :param str accept: the Accept header, by which the format is chosen
    :raise ImportError: prometheus_client is not installed
    """
    from prometheus_client import CollectorRegistry
    from prometheus_client.exposition import choose_encoder

    registry = CollectorRegistry()
    registry.register(_Collector(snapshot))
    encoder, content_type = choose_encoder(accept)
    return encoder(registry), content_type


class _Collector:
    """Metrics of one moment, for one answer."""

    def __init__(self, snapshot):
        self._snapshot = snapshot

    def collect(self):
        yield from self._collect_levels()
        yield from self._collect_counters()
        yield from self._collect_histograms()
        yield from self._collect_workers()

    def _collect_levels(self):
        from prometheus_client.core import GaugeMetricFamily

        jobs = GaugeMetricFamily("job_worker_jobs", "Jobs that have not ended.", labels=["channel", "state"])
        oldest = GaugeMetricFamily(
            "job_worker_oldest_ready_seconds", "Age of the oldest job that could run.", labels=["channel"]
        )
        for level in self._snapshot["levels"]:
            for state in STATES:
                jobs.add_metric([level["channel"], state], float(level[state]))
            oldest.add_metric([level["channel"]], level["oldest"])
        yield jobs
        yield oldest

    def _collect_counters(self):
        from prometheus_client.core import CounterMetricFamily

        ended = CounterMetricFamily("job_worker_jobs_ended", "Jobs that ended.", labels=["channel", "outcome"])
        failed = CounterMetricFamily(
            "job_worker_attempts_failed", "Attempts that failed, retried or not.", labels=["channel"]
        )
        for (channel, outcome), row in self._snapshot["counters"].items():
            if outcome == "error":
                failed.add_metric([channel], float(row["count"]))
            else:
                ended.add_metric([channel, outcome], float(row["count"]))
        yield ended
        yield failed

    def _collect_histograms(self):
        from prometheus_client.core import HistogramMetricFamily

        for kind, text in (
            ("duration", "Seconds that the last attempt of a job took."),
            ("wait", "Seconds from when a job could run to the start of its last attempt."),
        ):
            family = HistogramMetricFamily(f"job_worker_job_{kind}_seconds", text, labels=["channel", "outcome"])
            for (channel, outcome), row in self._snapshot["counters"].items():
                if outcome in ("done", "failed"):
                    histogram = self._snapshot["histograms"].get((channel, outcome, kind), {})
                    family.add_metric([channel, outcome], _buckets(histogram), float(row[f"{kind}_sum"]))
            yield family

    def _collect_workers(self):
        from prometheus_client.core import GaugeMetricFamily

        snapshot = self._snapshot
        alive = [worker for worker in snapshot["workers"] if worker["alive"]]
        workers = GaugeMetricFamily("job_worker_workers", "Registered workers.", labels=["state"])
        workers.add_metric(["alive"], len(alive))
        workers.add_metric(["dead"], len(snapshot["workers"]) - len(alive))
        yield workers
        executors = sum(worker["concurrency"] or 0 for worker in alive)
        yield GaugeMetricFamily("job_worker_executors", "Jobs that the workers can run at once.", value=executors)
        alerts = GaugeMetricFamily("job_worker_alerts_firing", "Alerts that are firing.", labels=["severity"])
        for severity, count in snapshot["alerts"].items():
            alerts.add_metric([severity], count)
        yield alerts
        if snapshot["collected_at"]:
            yield GaugeMetricFamily(
                "job_worker_collected_timestamp_seconds",
                "When counters were last brought up to date, to the minute.",
                value=snapshot["collected_at"],
            )


def _buckets(histogram):
    """Pairs of upper bound and cumulative count, as Prometheus has them."""
    counts = cumulative(histogram, BOUNDS)
    pairs = [(str(float(bound)), float(count)) for bound, count in zip(BOUNDS, counts, strict=True)]
    return [*pairs, ("+Inf", float(sum(histogram.values())))]
