import { loadBundle } from "@web/core/assets";

import { Component, onWillStart, onWillUnmount, useEffect, useRef } from "@odoo/owl";

/** One chart: bars or lines over time. Colours of texts and grid are those of the page, so they suit a dark one. */
export class QueueChart extends Component {
    static template = "job_worker_monitor.QueueChart";
    static props = {
        title: String,
        note: { type: String, optional: true },
        type: { type: String, optional: true },
        stacked: { type: Boolean, optional: true },
        labels: Array,
        datasets: Array,
        format: Function,
        step: { type: Function, optional: true }, // of the largest value: the distance of lines in the grid
        onBinClick: { type: Function, optional: true },
    };
    static defaultProps = { type: "line", stacked: false };

    setup() {
        this.canvasRef = useRef("canvas");
        this.chart = null;
        onWillStart(() => loadBundle("web.chartjs_lib"));
        useEffect(
            () => this.render_(),
            () => [JSON.stringify([this.props.labels, this.props.datasets])]
        );
        onWillUnmount(() => this.chart?.destroy());
    }

    render_() {
        const data = { labels: this.props.labels, datasets: this.props.datasets.map((set) => this.style(set)) };
        if (this.chart) {
            this.chart.data = data;
            this.chart.update("none");
        } else {
            this.chart = new Chart(this.canvasRef.el, {
                type: this.props.type,
                data,
                options: this.options,
            });
        }
    }

    style(set) {
        const bar = this.props.type === "bar";
        return {
            borderWidth: bar ? 0 : 2,
            pointRadius: 0,
            pointHitRadius: 8,
            cubicInterpolationMode: "monotone", // no curve beyond its points
            spanGaps: false,
            fill: false,
            backgroundColor: set.color,
            borderColor: set.color,
            ...set,
        };
    }

    get options() {
        const style = getComputedStyle(this.canvasRef.el);
        const text = style.color;
        const grid = { color: `color-mix(in srgb, ${text} 12%, transparent)`, drawTicks: false };
        const { format, stacked, step } = this.props;
        return {
            animation: false,
            maintainAspectRatio: false,
            interaction: { mode: "index", intersect: false },
            onClick: (event, elements) => {
                if (elements.length && this.props.onBinClick) {
                    this.props.onBinClick(elements[0].index);
                }
            },
            plugins: {
                legend: {
                    position: "bottom",
                    labels: { color: text, boxWidth: 12, boxHeight: 12, usePointStyle: true, pointStyle: "rectRounded" },
                },
                tooltip: {
                    callbacks: { label: (item) => `${item.dataset.label}: ${format(item.parsed.y)}` },
                },
            },
            scales: {
                x: {
                    stacked,
                    grid: { display: false },
                    ticks: { color: text, maxRotation: 0, autoSkip: true, autoSkipPadding: 16 },
                },
                y: {
                    stacked,
                    beginAtZero: true,
                    grid,
                    border: { display: false },
                    beforeBuildTicks: (axis) => {
                        axis.options.ticks.stepSize = step?.(axis.max);
                    },
                    ticks: { color: text, maxTicksLimit: 6, callback: (value) => format(value) },
                },
            },
        };
    }
}
