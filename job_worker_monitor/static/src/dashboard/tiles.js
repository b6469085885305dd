import { _t } from "@web/core/l10n/translation";

import { formatCount, formatPercent, formatSeconds } from "./format";

/**
 * What the tiles show.
 * @param {Object} data what the server sent
 * @param {Object} view
 * @param {string} view.spanLabel
 * @param {string} view.spanStart as domains have it
 * @param {Function} view.open of (model, domain, name)
 * @param {Function} view.openJobs of (domain, name)
 * @returns {Object[]} of `id`, `title`, `value`, `note`, `open`, and what else a tile may have
 */
export function describeTiles(data, { spanLabel, spanStart, open, openJobs }) {
    const { tiles } = data;
    const ended = [["state", "in", ["done", "failed"]], ["completed_at", ">=", spanStart]];
    const ready = [["state", "=", "pending"], ["scheduled", "=", false]];
    return [
        {
            id: "throughput",
            title: _t("Throughput"),
            value: _t("%s /min", formatCount(tiles.throughput)),
            note: _t("%(count)s jobs in %(span)s", { count: formatCount(tiles.ended), span: spanLabel }),
            trend: trend(tiles.ended_change),
            open: () => openJobs(ended, _t("Ended Jobs")),
        },
        {
            id: "failures",
            title: _t("Failure Rate"),
            value: formatPercent(tiles.failure_rate),
            note: _t("%(failed)s failed, before %(rate)s", {
                failed: formatCount(tiles.failed),
                rate: formatPercent(tiles.failure_rate_before),
            }),
            level: tiles.failed ? "danger" : "",
            open: () => openJobs([["state", "=", "failed"], ["completed_at", ">=", spanStart]], _t("Failed Jobs")),
        },
        {
            id: "depth",
            title: _t("Ready to Run"),
            value: formatCount(tiles.ready),
            note: _t("%(scheduled)s scheduled, %(waiting)s waiting", {
                scheduled: formatCount(tiles.scheduled),
                waiting: formatCount(tiles.waiting),
            }),
            open: () => openJobs(ready, _t("Ready Jobs")),
        },
        {
            id: "oldest",
            title: _t("Oldest Ready"),
            value: tiles.ready ? formatSeconds(tiles.oldest) : "–",
            note: tiles.ready ? _t("since it could run") : _t("nothing waits"),
            level: tiles.oldest > 900 ? "warning" : "",
            open: () => openJobs(ready, _t("Ready Jobs")),
        },
        {
            id: "duration",
            title: _t("Duration, Median"),
            value: formatSeconds(tiles.duration.p50),
            note: percentileNote(tiles.duration),
            open: () => openJobs(ended, _t("Ended Jobs")),
        },
        {
            id: "wait",
            title: _t("Wait, Median"),
            value: formatSeconds(tiles.wait.p50),
            note: percentileNote(tiles.wait),
            open: () => openJobs(ended, _t("Ended Jobs")),
        },
        {
            id: "running",
            title: _t("Running"),
            value: _t("%(busy)s of %(capacity)s", {
                busy: formatCount(tiles.started),
                capacity: formatCount(tiles.capacity),
            }),
            note: _t("executors"),
            fill: tiles.capacity ? Math.min(100, (100 * tiles.started) / tiles.capacity) : 0,
            open: () => openJobs([["state", "=", "started"]], _t("Running Jobs")),
        },
        {
            id: "workers",
            title: _t("Workers"),
            value: formatCount(tiles.workers_alive),
            note: tiles.workers_dead ? _t("%s dead", tiles.workers_dead) : _t("alive"),
            level: tiles.workers_dead || !tiles.workers_alive ? "danger" : "",
            open: () => open("queue.worker", [], _t("Workers")),
        },
    ];
}

function percentileNote(values) {
    return _t("95%: %(p95)s, 99%: %(p99)s", { p95: formatSeconds(values.p95), p99: formatSeconds(values.p99) });
}

/** The change against the span before. */
function trend(change) {
    if (change === null || change === undefined) {
        return null;
    }
    const text = formatPercent(Math.abs(change));
    if (Math.abs(change) < 1) {
        return { icon: "fa-minus", text, label: _t("as in the period before") };
    }
    return change > 0
        ? { icon: "fa-arrow-up", text, label: _t("more than in the period before") }
        : { icon: "fa-arrow-down", text, label: _t("less than in the period before") };
}
