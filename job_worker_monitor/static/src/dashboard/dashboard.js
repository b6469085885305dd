import { _t } from "@web/core/l10n/translation";
import { browser } from "@web/core/browser/browser";
import { registry } from "@web/core/registry";
import { useService } from "@web/core/utils/hooks";
import { Layout } from "@web/search/layout";
import { standardActionServiceProps } from "@web/webclient/actions/action_service";

import { Component, onWillStart, onWillUnmount, useExternalListener, useState } from "@odoo/owl";

import { describeCharts } from "./charts";
import { functionDomain, openRecords, serialize } from "./drill_down";
import { formatAgo, formatAverage, formatBin, formatCount, formatPercent, formatSeconds } from "./format";
import { QueueChart } from "./queue_chart";
import { describeTiles } from "./tiles";

const STORAGE_KEY = "job_worker_monitor.dashboard";

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
        Object.assign(this, { formatAgo, formatAverage, formatCount, formatPercent, formatSeconds });
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
        return describeTiles(this.data, {
            spanLabel: this.spanLabel,
            spanStart: this.spanStart,
            open: (...args) => this.open(...args),
            openJobs: (...args) => this.openJobs(...args),
        });
    }

    get charts() {
        return describeCharts(this.data.charts, (index) => this.openBin(index));
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
