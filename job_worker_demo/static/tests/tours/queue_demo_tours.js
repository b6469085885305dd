import { registry } from "@web/core/registry";

/** A person starts scenarios and sees their code and their jobs. */
registry.category("web_tour.tours").add("queue_demo_scenarios", {
    url: "/odoo/queue-demo",
    steps: () => [
        {
            content: "a card of a scenario starts it",
            trigger: ".o_kanban_record:contains(Compensation) button[name=action_run]",
            run: "click",
        },
        { trigger: ".o_kanban_record:contains(Compensation):contains(2 Waiting, 1 Pending)" },
        { trigger: ".o_kanban_record:contains(Compensation) span:contains(Compensation)", run: "click" },
        { content: "the source is the real one", trigger: ".o_queue_code pre:contains(work.on_error)" },
        { trigger: ".o_queue_code pre:contains(FailedJobError)" },
        { trigger: ".o_data_row:contains(Refund the customer):contains(Runs only if Reserve the stock: fails fails)" },
        { trigger: "button[name=action_open_graph]", run: "click" },
        { trigger: ".o_queue_graph_node[data-name='Refund the customer']" },
        { trigger: ".o_queue_edge_error" },
    ],
});
