import { registry } from "@web/core/registry";

const tours = registry.category("web_tour.tours");

/** From the menu to a failed job, its reason, and its requeue. */
tours.add("queue_operator_requeues_a_failed_job", {
    url: "/odoo/queue-jobs",
    steps: () => [
        { trigger: ".o_list_view .o_data_row:contains(Tour failure)" },
        { content: "failed jobs only", trigger: ".o_search_panel_category_value:contains(Failed) header", run: "click" },
        { trigger: ".o_list_view:not(:has(.o_data_row:contains(Tour pending)))" },
        { trigger: ".o_data_row:contains(Tour failure) td[name=name]", run: "click" },
        { content: "the reason is at the top", trigger: ".alert-danger:contains(out of paper)" },
        { trigger: ".nav-link:contains(History)", run: "click" },
        { trigger: ".tab-pane.active:contains(Failed: out of paper)" },
        { trigger: ".nav-link:contains(Arguments)", run: "click" },
        { trigger: ".o_queue_code pre:contains(\"kwargs\")" },
        { trigger: "button[name=button_requeue]", run: "click" },
        { content: "it is pending, and says why it doesn't run", trigger: ".o_arrow_button_current:contains(Pending)" },
        { trigger: "[name=wait_reason]:contains(No worker is running)" },
        { trigger: ".o_notification:contains(1 jobs requeued)" },
    ],
});

/** All jobs that match a filter are cancelled by the wizard. */
tours.add("queue_operator_cancels_what_matches_a_filter", {
    url: "/odoo/queue-jobs",
    steps: () => [
        { trigger: ".o_list_view .o_data_row:contains(Tour pending)" },
        { trigger: ".o_searchview_input", run: "edit Tour pending" },
        { trigger: ".o_searchview_autocomplete .o-dropdown-item:contains(Description)", run: "click" },
        { trigger: ".o_list_view:not(:has(.o_data_row:contains(Tour failure)))" },
        { trigger: ".o_control_panel button:contains(More ...)", run: "click" },
        { trigger: ".modal .o_field_widget[name=operation] input", run: "click" },
        { trigger: ".o_select_menu_item:contains(Cancel unfinished jobs)", run: "click" },
        { trigger: ".modal [name=count_text]:contains(3)" },
        { trigger: ".modal button[name=action_apply]", run: "click" },
        { trigger: ".o_notification:contains(3 jobs cancelled)" },
        { trigger: ".o_data_row:contains(Tour pending) .badge:contains(Cancelled)" },
    ],
});

/** The graph of a job: a group is unfolded, a job opened. */
tours.add("queue_operator_looks_at_a_graph", {
    url: "/odoo/queue-jobs",
    steps: () => [
        { trigger: ".o_data_row:contains(Tour first) td[name=name]", run: "click" },
        { trigger: "button[name=action_open_graph]", run: "click" },
        { content: "equal siblings are one node", trigger: ".o_queue_graph_node[data-count='12']" },
        { trigger: "body:not(:has(.o_queue_graph_node[data-name='Tour part 7']))" },
        { trigger: ".o_queue_zoom_in", run: "click" },
        { trigger: ".o_queue_fit", run: "click" },
        { trigger: ".o_queue_graph_node[data-count='12'] rect.o_queue_box", run: "click" },
        { trigger: ".o_queue_graph_node[data-name='Tour part 7']" },
        { trigger: ".o_queue_fold", run: "click" },
        { trigger: ".o_queue_graph_node[data-count='12']" },
        { trigger: ".o_queue_graph_node[data-name='Tour last'] rect.o_queue_box", run: "click" },
        { trigger: ".o_form_view h1:contains(Tour last)" },
        { trigger: "[name=wait_reason]:contains(Waits for 12 jobs to be done)" },
    ],
});

const box = (selector) => document.querySelector(selector).getBoundingClientRect();
const check = (condition, message) => {
    if (!condition) {
        throw new Error(message);
    }
};

/** A graph of 1,002 jobs: three nodes, then two hundred in a frame, all in sight, none too slow to move. */
tours.add("queue_operator_looks_at_a_graph_of_a_thousand_jobs", {
    steps: () => [
        { trigger: ".o_form_view h1:contains(Thousand first)" },
        { trigger: "button[name=action_open_graph]:contains(1000+)", run: "click" },
        { trigger: ".o_queue_graph_bar:contains(1002 jobs)" },
        {
            content: "a thousand siblings are one node, which says how they stand",
            trigger: ".o_queue_graph_node[data-count='1000'] .o_queue_detail:contains(1000 Waiting)",
            run: () => check(document.querySelectorAll(".o_queue_graph_node").length === 3, "not three nodes"),
        },
        { trigger: ".o_queue_graph_node[data-count='1000'] rect.o_queue_box", run: "click" },
        {
            content: "some are shown one by one, the rest together, and one edge leads to all of them",
            trigger: ".o_queue_graph_node[data-count='800']",
            run: () => {
                check(document.querySelectorAll(".o_queue_graph_node").length === 203, "not 203 nodes");
                check(document.querySelectorAll(".o_queue_edge[marker-end]").length === 2, "not two edges");
            },
        },
        {
            content: "all of it is in sight, and large enough to see",
            trigger: ".o_queue_frame",
            run: () => {
                const [all, canvas] = [box(".o_queue_graph_content"), box(".o_queue_graph_canvas")];
                check(all.left >= canvas.left && all.right <= canvas.right, "wider than the page");
                check(all.top >= canvas.top && all.bottom <= canvas.bottom, "higher than the page");
                check(all.width > canvas.width / 2 || all.height > canvas.height / 2, "lost in the page");
            },
        },
        { trigger: ".o_queue_zoom_in", run: "click" },
        {
            trigger: ".o_queue_fit",
            run: async (helpers) => {
                const before = box(".o_queue_graph_content").width;
                await helpers.click();
                check(box(".o_queue_graph_content").width < before, "it doesn't fit again");
            },
        },
        { content: "the rest opens as a list", trigger: ".o_queue_graph_node[data-count='800'] rect.o_queue_box", run: "click" },
        { trigger: ".o_list_view .o_data_row:contains(Thousand part)" },
        { trigger: ".o_breadcrumb a:contains(Graph of Thousand first)", run: "click" },
        { content: "it is folded again", trigger: ".o_queue_graph_node[data-count='1000']" },
        { trigger: ".o_queue_graph_node[data-name='Thousand last'] rect.o_queue_box", run: "click" },
        { trigger: ".o_form_view h1:contains(Thousand last)" },
        { trigger: "[name=wait_reason]:contains(Waits for 1000 jobs to be done)" },
    ],
});

/** From the message about a failure in the inbox to the job. */
tours.add("queue_user_reads_of_a_failure", {
    steps: () => [
        { trigger: ".o-mail-DiscussSidebar button:contains(Inbox):contains(1)", run: "click" },
        { trigger: ".o-mail-Message:contains(A background job failed)" },
        { trigger: ".o-mail-Message a:contains(Tour failure: out of paper)", run: "click" },
        { trigger: ".o_form_view h1:contains(Tour failure)" },
        { trigger: ".alert-danger:contains(out of paper)" },
    ],
});

/** Every view of the jobs opens. */
tours.add("queue_operator_opens_every_view", {
    url: "/odoo/queue-jobs",
    steps: () => [
        { trigger: ".o_list_view .o_data_row" },
        { trigger: ".o_switch_view.o_kanban", run: "click" },
        { trigger: ".o_kanban_group:contains(Failed) .o_kanban_record:contains(Tour failure):contains(out of paper)" },
        { trigger: ".o_switch_view.o_pivot", run: "click" },
        { trigger: ".o_pivot td" },
        { trigger: ".o_switch_view.o_graph", run: "click" },
        { trigger: ".o_graph_renderer canvas" },
        { trigger: ".o_switch_view.o_calendar", run: "click" },
        { trigger: ".o_calendar_renderer .fc-event:contains(Tour scheduled)" },
        { trigger: ".o_main_navbar [data-menu-xmlid='job_worker.menu_queue_worker']", run: "click" },
        { trigger: ".o_breadcrumb:contains(Workers)" },
        { trigger: ".o_view_nocontent:contains(No worker is running)" },
    ],
});

/** A plain user sees their own jobs, and neither arguments nor workers nor settings. */
tours.add("queue_user_sees_their_own_jobs", {
    url: "/odoo/queue-jobs",
    steps: () => [
        { trigger: ".o_list_view .o_data_row:contains(Tour of the user)" },
        { trigger: ".o_list_view:not(:has(.o_data_row:contains(Tour failure)))" },
        { trigger: "body:not(:has([data-menu-xmlid='job_worker.menu_queue_worker']))" },
        { trigger: "body:not(:has([data-menu-xmlid='job_worker.menu_queue_configuration']))" },
        { trigger: ".o_data_row:contains(Tour of the user) td[name=name]", run: "click" },
        { trigger: ".o_form_view:not(:has(.nav-link:contains(Arguments)))" },
        { trigger: "button[name=button_cancel]", run: "click" },
        { trigger: ".modal .btn-primary", run: "click" },
        { trigger: ".o_arrow_button_current:contains(Cancelled)" },
    ],
});

/** A page that hears of a change reads its rows again, without a click. */
tours.add("queue_page_follows_changes", {
    url: "/odoo/queue-jobs",
    steps: () => [
        {
            content: "a job is cancelled elsewhere, and the page hears that something has changed",
            trigger: ".o_data_row:contains(Tour pending 1) .badge:contains(Pending)",
            run: async () => {
                const { orm, "job_worker.live": live } = odoo.__WOWL_DEBUG__.root.env.services;
                const ids = await orm.search("queue.job", [["name", "=", "Tour pending 1"]]);
                await orm.call("queue.job", "button_cancel", [ids]);
                live.events.trigger("changed");
            },
        },
        { trigger: ".o_data_row:contains(Tour pending 1) .badge:contains(Cancelled)" },
        { content: "the others stay as they are", trigger: ".o_data_row:contains(Tour pending 2) .badge:contains(Pending)" },
    ],
});
