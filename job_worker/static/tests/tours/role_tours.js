import { registry } from "@web/core/registry";

const tours = registry.category("web_tour.tours");

const sections = (...names) => names.map((name) => `[data-menu-xmlid='job_worker.menu_${name}']`);
/** Steps that look for menus of the queue that are there, and for others that are not. */
const menus = (present, absent) => [
    ...sections(...present).map((trigger) => ({ trigger: `.o_menu_sections ${trigger}` })),
    ...sections(...absent).map((trigger) => ({ trigger: `.o_menu_sections:not(:has(${trigger}))` })),
];

/** Who has no right on the queue gets an error for an address of it, and finds no menu of it. */
tours.add("queue_stranger_finds_no_queue", {
    steps: () => [
        { trigger: ".modal:contains(Access Error):contains(not allowed to access)" },
        { trigger: ".modal-footer button:contains(Close)", run: "click" },
        { trigger: "body:not(:has(.o_data_row)):not(:has(.o_queue_graph)):not(:has(.o_form_view))" },
        { trigger: ".o_navbar_apps_menu button", run: "click" },
        { trigger: ".o-dropdown--menu:not(:has([data-menu-xmlid='job_worker.menu_queue_root']))" },
    ],
});

/** A user of the queue who opens the address of another's job gets an error, and their own jobs. */
tours.add("queue_user_sees_what_is_theirs", {
    steps: () => [
        { trigger: ".modal:contains(Access Error)" },
        { trigger: "body:not(:has(.alert-danger:contains(out of paper)))" },
        ...menus(["queue_job", "queue_job_scheduled"], ["queue_worker", "queue_limit", "queue_configuration"]),
        { content: "their own are listed", trigger: ".o_data_row:contains(Tour of the user)" },
        {
            content: "they may look at the channels, if they find them, and change none",
            trigger: ".o_list_view:not(:has(.o_data_row:contains(Tour failure)))",
            run: () => odoo.__WOWL_DEBUG__.root.env.services.action.doAction("job_worker.action_queue_limit"),
        },
        { trigger: ".o_data_row:contains(tour.channel) button[name=action_open_jobs]" },
        { trigger: "body:not(:has(.o_list_button_add)):not(:has(button[name=button_pause]))" },
        { trigger: ".o_data_row:contains(tour.channel) td[name=name]", run: "click" },
        { trigger: ".o_form_view .o_form_readonly" },
        { trigger: ".o_form_view:not(:has(button[name=button_pause])):not(:has(.o_form_button_create))" },
    ],
});

/** A manager sees everybody's jobs with their arguments, workers, channels and the configuration; but not the settings. */
tours.add("queue_manager_sees_all_but_the_settings", {
    url: "/odoo/queue-jobs",
    steps: () => [
        { trigger: ".o_data_row:contains(Tour failure)" },
        ...menus(
            ["queue_job", "queue_job_scheduled", "queue_worker", "queue_limit", "queue_configuration"],
            []
        ),
        { trigger: ".o_data_row:contains(Tour of the user) td[name=name]", run: "click" },
        { trigger: ".nav-link:contains(Arguments)", run: "click" },
        { trigger: "button[name=button_cancel]" },
        { trigger: "[data-menu-xmlid='job_worker.menu_queue_limit']", run: "click" },
        { trigger: ".o_list_button_add" },
        { trigger: ".o_data_row:contains(tour.channel) button[name=button_pause]", run: "click" },
        { trigger: ".o_data_row:contains(tour.channel) button[name=button_resume]" },
        { trigger: "[data-menu-xmlid='job_worker.menu_queue_configuration']", run: "click" },
        { trigger: ".o-dropdown--menu [data-menu-xmlid='job_worker.menu_queue_job_alert']" },
        { trigger: ".o-dropdown--menu:not(:has([data-menu-xmlid='job_worker.menu_queue_settings']))" },
        { trigger: ".o-dropdown--menu [data-menu-xmlid='job_worker.menu_queue_job_function']", run: "click" },
        { trigger: ".o_breadcrumb:contains(Functions)" },
        { trigger: ".o_list_button_add" },
    ],
});

/** An administrator sets the defaults of all jobs. */
tours.add("queue_administrator_sets_the_defaults", {
    url: "/odoo/queue-jobs",
    steps: () => [
        { trigger: "[data-menu-xmlid='job_worker.menu_queue_configuration']", run: "click" },
        { trigger: ".o-dropdown--menu [data-menu-xmlid='job_worker.menu_queue_settings']", run: "click" },
        { trigger: "[name=job_default_timeout] input", run: "edit -5" },
        { trigger: ".o_form_button_save", run: "click" },
        { trigger: ".modal:contains(Default Timeout):contains(can't be -5)" },
        { trigger: ".modal-footer button:contains(Close)", run: "click" },
        { trigger: "[name=job_default_timeout] input", run: "edit 90" },
        { trigger: "[name=job_default_max_retries] input", run: "edit 2" },
        { trigger: ".o_form_button_save", run: "click", expectUnloadPage: true },
        { trigger: "body:not(:has(.modal)):not(:has(.o_form_view:contains(Unsaved changes))) .o_main_navbar" },
    ],
});
