import { browser } from "@web/core/browser/browser";
import { registry } from "@web/core/registry";
import { useService } from "@web/core/utils/hooks";
import { EventBus, onWillUnmount, onMounted } from "@odoo/owl";

// A page that stays open asks again before its watch ends, see queue.job.live_watch.
const WATCH_MILLISECONDS = 10 * 60 * 1000;
// Workers tell of changes at most once a second each; a page reads at most as often as this.
const READ_MILLISECONDS = 1500;

/**
 * Hears of changes of jobs while somebody looks at them: subscribed only as long as a view is
 * mounted and its page is visible. One request reads what a view shows, however many jobs changed.
 */
export const liveService = {
    dependencies: ["bus_service", "orm"],
    start(env, { bus_service: bus, orm }) {
        const events = new EventBus();
        let viewers = 0;
        let watching = false;
        let turning = false;
        let timer = null;
        let channel = null;

        const changed = () => events.trigger("changed");
        const isWanted = () => viewers > 0 && document.visibilityState === "visible";

        async function renew() {
            const answer = await orm.silent.call("queue.job", "live_watch", []);
            if (!channel) {
                channel = answer.channel;
                bus.subscribe(answer.message, changed);
            }
        }
        async function turnOn() {
            await renew();
            timer = browser.setInterval(renew, WATCH_MILLISECONDS);
            await bus.addChannel(channel);
            changed(); // what happened while nobody looked
        }
        function turnOff() {
            browser.clearInterval(timer);
            bus.deleteChannel(channel);
        }
        /** One at a time: a view that is left and the next one that is entered call this together. */
        async function update() {
            if (turning) {
                return;
            }
            turning = true;
            try {
                while (isWanted() !== watching) {
                    watching = !watching;
                    await (watching ? turnOn() : turnOff());
                }
            } finally {
                turning = false;
            }
        }
        document.addEventListener("visibilitychange", update);
        return {
            events,
            enter() {
                viewers++;
                return update();
            },
            leave() {
                viewers--;
                return update();
            },
        };
    },
};

registry.category("services").add("job_worker.live", liveService);

/**
 * Call `read` after jobs have changed: soon, once for many changes, and once more when they end,
 * for a worker's message may come before the last of its changes.
 */
export function useLiveJobs(read) {
    const live = useService("job_worker.live");
    let timer = null;
    let again = false;
    async function run() {
        try {
            await read();
        } finally {
            timer = again ? browser.setTimeout(run, READ_MILLISECONDS) : null;
            again = false;
        }
    }
    function onChanged() {
        again = true;
        timer = timer || browser.setTimeout(run, 200);
    }
    onMounted(() => {
        live.events.addEventListener("changed", onChanged);
        live.enter();
    });
    onWillUnmount(() => {
        live.events.removeEventListener("changed", onChanged);
        browser.clearTimeout(timer);
        live.leave();
    });
}
