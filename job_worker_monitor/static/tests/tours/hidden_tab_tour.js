import { registry } from "@web/core/registry";

const INTERVAL_SECONDS = 0.2;

/** How often the dashboard has asked the server since the last call. */
function countRequests() {
    const entries = performance.getEntriesByType("resource").filter(({ name }) => name.includes("get_dashboard"));
    performance.clearResourceTimings();
    return entries.length;
}

function setHidden(hidden) {
    Object.defineProperty(document, "hidden", { configurable: true, value: hidden });
    document.dispatchEvent(new Event("visibilitychange"));
}

const sleep = (seconds) => new Promise((resolve) => setTimeout(resolve, seconds * 1000));

async function waitForRequests() {
    for (let tries = 0; tries < 200; tries++) {
        if (countRequests()) {
            return;
        }
        await sleep(0.05);
    }
    throw new Error("The dashboard does not refresh");
}

registry.category("web_tour.tours").add("job_worker_monitor_hidden_tab", {
    steps: () => [
        {
            content: "Refresh faster than people can choose",
            trigger: ".o_list_view, .o_view_nocontent",
            run() {
                const settings = { span: "1h", interval: INTERVAL_SECONDS };
                localStorage.setItem("job_worker_monitor.dashboard", JSON.stringify(settings));
            },
        },
        { trigger: ".o_menu_sections [data-menu-xmlid='job_worker_monitor.menu_queue_dashboard']", run: "click" },
        {
            content: "It refreshes by itself, not in a hidden tab, and again when the tab is seen",
            trigger: ".o_queue_tiles",
            async run() {
                await waitForRequests();
                await waitForRequests();
                setHidden(true);
                await sleep(1); // what was under way may end
                countRequests();
                await sleep(10 * INTERVAL_SECONDS);
                const count = countRequests();
                if (count) {
                    throw new Error(`${count} requests from a hidden tab`);
                }
                setHidden(false);
                await waitForRequests();
                localStorage.removeItem("job_worker_monitor.dashboard");
            },
        },
    ],
});
