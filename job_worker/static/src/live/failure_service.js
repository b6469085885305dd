import { _t } from "@web/core/l10n/translation";
import { registry } from "@web/core/registry";
import { user } from "@web/core/user";

/** Shows the failures that the server tells of, see res.users._notify_job_failures. */
export const failureService = {
    dependencies: ["action", "bus_service", "notification"],
    start(env, { action, bus_service: bus, notification }) {
        bus.subscribe("job_worker/failed", async ({ title, message, ids }) => {
            const buttons = [];
            if (await user.hasGroup("job_worker.group_queue_job_user")) {
                buttons.push({
                    name: _t("Open"),
                    primary: true,
                    onClick: () => {
                        close();
                        open(action, title, ids);
                    },
                });
            }
            const close = notification.add(message, { title, type: "danger", sticky: true, buttons });
        });
        bus.start();
    },
};

function open(action, title, ids) {
    const single = ids.length === 1;
    return action.doAction({
        type: "ir.actions.act_window",
        name: title,
        res_model: "queue.job",
        ...(single ? { res_id: ids[0] } : { domain: [["id", "in", ids]] }),
        views: single ? [[false, "form"]] : [[false, "list"], [false, "form"]],
    });
}

registry.category("services").add("job_worker.failure", failureService);
