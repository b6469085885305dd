import { registry } from "@web/core/registry";

function assertThat(condition, message) {
    if (!condition) {
        throw new Error(message);
    }
}

registry.category("web_tour.tours").add("job_worker_monitor_dashboard", {
    steps: () => [
        {
            content: "The health line says what is wrong first",
            trigger: ".o_queue_health.o_queue_danger:contains(No worker is running)",
        },
        {
            content: "The style sheet is there, and nothing is wider than the page",
            trigger: ".o_queue_tiles",
            run() {
                const page = document.querySelector(".o_queue_dashboard");
                assertThat(getComputedStyle(this.anchor).display === "grid", "The tiles are no grid");
                assertThat(page.scrollWidth <= page.clientWidth, "The page is wider than the screen");
            },
        },
        { trigger: "[data-tile=failures] .o_queue_value:contains(25%)" },
        { trigger: "[data-tile=depth] .o_queue_value:contains(2)" },
        { trigger: "[data-tile=workers] .o_queue_value:contains(0)" },
        {
            content: "The charts are drawn",
            trigger: ".o_queue_chart canvas",
            run() {
                const canvases = [...document.querySelectorAll(".o_queue_chart canvas")];
                assertThat(canvases.length === 6, `${canvases.length} charts`);
                assertThat(
                    canvases.every((canvas) => Chart.getChart(canvas)),
                    "A canvas has no chart"
                );
                const bars = Chart.getChart(canvases[0]).data.datasets[0].data;
                assertThat(bars.reduce((a, b) => a + b) === 3, `Done jobs by bin: ${bars}`);
            },
        },
        { content: "Another span", trigger: "button[data-span='1h']", run: "click" },
        { trigger: "button[data-span='1h'].active" },
        {
            content: "Its charts have a bin for each minute",
            trigger: "[data-table=channels] td:contains(root.export)",
            async run() {
                for (let tries = 0; tries < 100; tries++) {
                    const chart = Chart.getChart(document.querySelector(".o_queue_chart canvas"));
                    if (chart?.data.labels.length === 60) {
                        return;
                    }
                    await new Promise((resolve) => setTimeout(resolve, 50));
                }
                throw new Error("The charts still have the bins of the other span");
            },
        },
        { content: "From a tile to its jobs", trigger: "[data-tile=failures]", run: "click" },
        { trigger: ".o_list_view .o_data_row:contains(This one failed)" },
        {
            trigger: ".o_list_view",
            run() {
                assertThat(document.querySelectorAll(".o_data_row").length === 1, "Only the failed job is behind the tile");
            },
        },
        { content: "And back", trigger: ".breadcrumb-item a:contains(Queue Dashboard)", run: "click" },
        { content: "From an error to its jobs", trigger: "[data-table=errors] td:contains(KeyError)", run: "click" },
        { trigger: ".o_list_view .o_data_row:contains(This one failed)" },
        { trigger: ".breadcrumb-item a:contains(Queue Dashboard)", run: "click" },
        { content: "From what needs attention to its jobs", trigger: ".o_queue_item:contains(ready for more than 15 minutes)", run: "click" },
        { trigger: ".o_list_view .o_data_row:contains(This one waits)" },
    ],
});

registry.category("web_tour.tours").add("job_worker_monitor_empty", {
    steps: () => [{ trigger: ".o_queue_dashboard .o_view_nocontent_smiling_face:contains(Nothing has happened)" }],
});

registry.category("web_tour.tours").add("job_worker_monitor_rule", {
    steps: () => [
        { trigger: ".o_data_row .o_data_cell:contains(No worker is running)", run: "click" },
        { trigger: ".o_form_view button[name=action_mute]", run: "click" },
        { trigger: ".o_form_view button[name=action_unmute]" },
        { trigger: ".o_form_view button[name=action_open_alerts]", run: "click" },
        { trigger: ".o_view_nocontent_smiling_face:contains(No alert has fired)" },
    ],
});
