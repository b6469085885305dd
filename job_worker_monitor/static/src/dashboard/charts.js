import { _t } from "@web/core/l10n/translation";

import { formatBin, formatCount, formatSeconds, stepOfSeconds } from "./format";

const COLORS = {
    done: "#2f9e6e",
    failed: "#d6455d",
    cancelled: "#9aa0a6",
    error: "#e8a33d",
    p50: "#5b8def",
    p95: "#e8a33d",
    p99: "#d6455d",
    ready: "#5b8def",
    busy: "#2f9e6e",
    capacity: "#9aa0a6",
};

/**
 * What the charts show.
 * @param {Object} charts what the server sent
 * @param {Function} onBinClick of (index)
 * @returns {Object[]} props of QueueChart, and an `id`
 */
export function describeCharts(charts, onBinClick) {
    const labels = charts.labels.map((iso) => formatBin(iso, charts.step));
    const set = (name, label, extra = {}) => ({ label, data: charts[name], color: COLORS[name], ...extra });
    const note = charts.step >= 86400 ? _t("days in UTC") : "";
    const seconds = { format: formatSeconds, step: stepOfSeconds };
    const percentiles = (kind) =>
        ["p50", "p95", "p99"].map((name, index) => ({
            label: [_t("median"), "95%", "99%"][index],
            data: charts[kind][name],
            color: COLORS[name],
        }));
    return [
        {
            id: "throughput",
            title: _t("Jobs by Outcome"),
            type: "bar",
            stacked: true,
            format: formatCount,
            datasets: [
                set("done", _t("done")),
                set("failed", _t("failed")),
                set("cancelled", _t("cancelled")),
            ],
        },
        {
            id: "depth",
            title: _t("Jobs Ready to Run"),
            format: formatCount,
            datasets: [
                set("ready", _t("ready, on average"), {
                    fill: true,
                    backgroundColor: `${COLORS.ready}33`,
                }),
            ],
        },
        { id: "duration", title: _t("Duration"), ...seconds, datasets: percentiles("duration") },
        { id: "wait", title: _t("Wait"), ...seconds, datasets: percentiles("wait") },
        {
            id: "busy",
            title: _t("Executors"),
            format: formatCount,
            datasets: [
                set("busy", _t("busy"), { fill: true, backgroundColor: `${COLORS.busy}33` }),
                set("capacity", _t("available"), { borderDash: [4, 4] }),
            ],
        },
        {
            id: "errors",
            title: _t("Failed Attempts"),
            type: "bar",
            format: formatCount,
            datasets: [set("error", _t("failed attempts"))],
        },
    ].map((chart) => ({ ...chart, labels, note, onBinClick }));
}
