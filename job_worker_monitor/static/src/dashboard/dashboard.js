import { _t } from "@web/core/l10n/translation";
import { browser } from "@web/core/browser/browser";
import { registry } from "@web/core/registry";
import { useService } from "@web/core/utils/hooks";
import { Layout } from "@web/search/layout";
import { standardActionServiceProps } from "@web/webclient/actions/action_service";

import { Component, onWillStart, onWillUnmount, useExternalListener, useState } from "@odoo/owl";

import { functionDomain, openRecords, serialize } from "./drill_down";
import { formatAgo, formatBin, formatCount, formatPercent, formatSeconds } from "./format";
import { QueueChart } from "./queue_chart";

const STORAGE_KEY = "job_worker_monitor.dashboard";
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

/** The operations dashboard of the queue: one RPC, repeated while somebody looks at it. */
export class QueueDashboard extends Component {
    static template = "job_worker_monitor.QueueDashboard";
    static components = { Layout, QueueChart };
    static props = { ...standardActionServiceProps };

    setup() {
        this.orm = useService("orm");
        this.action = useService("action");
        this.display = { controlPanel: {} };
        this.spans = [
            ["1h", _t("1 hour")],
            ["24h", _t("24 hours")],
            ["7d", _t("7 days")],
            ["30d", _t("30 days")],
        ];
        this.intervals = [
            [5, _t("every 5 s")],
            [15, _t("every 15 s")],
            [60, _t("every minute")],
            [0, _t("never")],
        ];
        Object.assign(this, { formatAgo, formatCount, formatPercent, formatSeconds });
        this.state = useState({ data: null, error: null, companyId: false, ...this.restore() });
        this.request = 0;
        onWillStart(() => {
            this.load(); // not awaited: skeletons are shown meanwhile
        });
        onWillUnmount(() => {
            this.request = -1;
            browser.clearTimeout(this.timer);
        });
        useExternalListener(document, "visibilitychange", () => this.onVisibilityChange());
    }

    // -- loading ------------------------------------------------------------------

    restore() {
        const stored = JSON.parse(browser.localStorage.getItem(STORAGE_KEY) || "{}");
        return { span: stored.span || "24h", interval: stored.interval ?? 15 };
    }

    /** Load once, and again after the interval. What an older request brings is dropped. */
    async load() {
        const request = ++this.request;
        browser.clearTimeout(this.timer);
        const params = { span: this.state.span, company_id: this.state.companyId };
        try {
            const data = await this.orm.silent.call("queue.monitor", "get_dashboard", [], params);
            if (request !== this.request) {
                return;
            }
            Object.assign(this.state, { data, error: null });
        } catch (error) {
            if (request !== this.request) {
                return;
            }
            this.state.error = error.data?.message || error.message || _t("The server can't be reached.");
        }
        this.schedule();
    }

    schedule() {
        if (this.state.interval && !document.hidden) {
            this.timer = browser.setTimeout(() => this.load(), this.state.interval * 1000);
        }
    }

    onVisibilityChange() {
        browser.clearTimeout(this.timer);
        if (!document.hidden && this.state.interval) {
            this.load();
        }
    }

    set(values) {
        Object.assign(this.state, values);
        const { span, interval } = this.state;
        browser.localStorage.setItem(STORAGE_KEY, JSON.stringify({ span, interval }));
        this.load();
    }

    // -- what is shown ------------------------------------------------------------

    get data() {
        return this.state.data;
    }

    get spanLabel() {
        return this.spans.find(([span]) => span === this.data.span)[1];
    }

    get tiles() {
        const tiles = this.data.tiles;
        const ended = [["state", "in", ["done", "failed"]], ["completed_at", ">=", this.spanStart]];
        const ready = [["state", "=", "pending"], ["scheduled", "=", false]];
        return [
            {
                id: "throughput",
                title: _t("Throughput"),
                value: _t("%s /min", formatCount(tiles.throughput)),
                note: _t("%(count)s jobs in %(span)s", { count: formatCount(tiles.ended), span: this.spanLabel }),
                trend: this.trend(tiles.ended_change),
                open: () => this.openJobs(ended, _t("Ended Jobs")),
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
                open: () => this.openJobs([["state", "=", "failed"], ["completed_at", ">=", this.spanStart]], _t("Failed Jobs")),
            },
            {
                id: "depth",
                title: _t("Ready to Run"),
                value: formatCount(tiles.ready),
                note: _t("%(scheduled)s scheduled, %(waiting)s waiting", {
                    scheduled: formatCount(tiles.scheduled),
                    waiting: formatCount(tiles.waiting),
                }),
                open: () => this.openJobs(ready, _t("Ready Jobs")),
            },
            {
                id: "oldest",
                title: _t("Oldest Ready"),
                value: tiles.ready ? formatSeconds(tiles.oldest) : "–",
                note: tiles.ready ? _t("since it could run") : _t("nothing waits"),
                level: tiles.oldest > 900 ? "warning" : "",
                open: () => this.openJobs(ready, _t("Ready Jobs")),
            },
            {
                id: "duration",
                title: _t("Duration, Median"),
                value: formatSeconds(tiles.duration.p50),
                note: this.percentileNote(tiles.duration),
                open: () => this.openJobs(ended, _t("Ended Jobs")),
            },
            {
                id: "wait",
                title: _t("Wait, Median"),
                value: formatSeconds(tiles.wait.p50),
                note: this.percentileNote(tiles.wait),
                open: () => this.openJobs(ended, _t("Ended Jobs")),
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
                open: () => this.openJobs([["state", "=", "started"]], _t("Running Jobs")),
            },
            {
                id: "workers",
                title: _t("Workers"),
                value: formatCount(tiles.workers_alive),
                note: tiles.workers_dead ? _t("%s dead", tiles.workers_dead) : _t("alive"),
                level: tiles.workers_dead || !tiles.workers_alive ? "danger" : "",
                open: () => this.open("queue.worker", [], _t("Workers")),
            },
        ];
    }

    percentileNote(values) {
        return _t("95%: %(p95)s, 99%: %(p99)s", { p95: formatSeconds(values.p95), p99: formatSeconds(values.p99) });
    }

    /** The change against the span before. */
    trend(change) {
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

    get charts() {
        const charts = this.data.charts;
        const labels = charts.labels.map((iso) => formatBin(iso, charts.step));
        const set = (name, label, extra = {}) => ({ label, data: charts[name], color: COLORS[name], ...extra });
        const note = charts.step >= 86400 ? _t("days in UTC") : "";
        const onBinClick = (index) => this.openBin(index);
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
            { id: "duration", title: _t("Duration"), format: formatSeconds, datasets: percentiles("duration") },
            { id: "wait", title: _t("Wait"), format: formatSeconds, datasets: percentiles("wait") },
            {
                id: "busy",
                title: _t("Executors"),
                format: formatCount,
                datasets: [
                    set("busy", _t("busy"), { fill: true, backgroundColor: `${COLORS.busy}33` }),
                    set("capacity", _t("there are"), { borderDash: [4, 4] }),
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

    levelClass(level) {
        return `o_queue_${level || "plain"}`;
    }

    levelIcon(level) {
        return { danger: "fa-times-circle", warning: "fa-exclamation-triangle", info: "fa-info-circle" }[level] || "fa-check-circle";
    }

    // -- drill-down ----------------------------------------------------------------

    get spanStart() {
        return serialize(this.data.charts.labels[0]);
    }

    open(model, domain, name) {
        return this.action.doAction(openRecords(model, domain, name));
    }

    openJobs(domain, name) {
        const company = this.state.companyId ? [["company_id", "=", this.state.companyId]] : [];
        return this.open("queue.job", [...domain, ...company], name);
    }

    openItem(item) {
        return item.model === "queue.job" ? this.openJobs(item.domain, item.text) : this.open(item.model, item.domain, item.text);
    }

    openBin(index) {
        const { labels, step } = this.data.charts;
        const start = labels[index];
        const end = luxon.DateTime.fromISO(start, { zone: "utc" }).plus({ seconds: step }).toISO({ suppressMilliseconds: true });
        const domain = [["completed_at", ">=", serialize(start)], ["completed_at", "<", serialize(end)]];
        return this.openJobs(domain, _t("Jobs Ended from %s", formatBin(start, step)));
    }

    openChannel(channel) {
        return this.openJobs([["channel", "=", channel]], channel);
    }

    openFunction(name, failed) {
        const state = failed ? [["state", "=", "failed"]] : [];
        return this.openJobs([...functionDomain(name), ["completed_at", ">=", this.spanStart], ...state], name);
    }

    openError(row) {
        const domain = [["state", "=", "failed"], ["exc_name", "=", row.exc_name || false], ["completed_at", ">=", this.spanStart]];
        return this.openJobs([...functionDomain(row.function), ...domain], row.exc_name || _t("Failed Jobs"));
    }
}

registry.category("actions").add("job_worker_monitor.dashboard", QueueDashboard);
