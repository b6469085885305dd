import { registry } from "@web/core/registry";
import { FormController } from "@web/views/form/form_controller";
import { formView } from "@web/views/form/form_view";
import { KanbanController } from "@web/views/kanban/kanban_controller";
import { kanbanView } from "@web/views/kanban/kanban_view";
import { ListController } from "@web/views/list/list_controller";
import { listView } from "@web/views/list/list_view";
import { getFieldsSpec } from "@web/model/relational_model/utils";
import { useLiveJobs } from "./live_service";

/** Read the rows that are shown again, without moving, adding or removing any under the pointer. */
async function readShown(root, orm) {
    const records = root.records || [];
    if (!records.length) {
        return root.load();
    }
    const spec = getFieldsSpec(root.activeFields, root.fields, root.evalContext);
    const ids = records.map((record) => record.resId);
    const rows = await orm.silent.webRead(root.resModel, ids, {
        specification: spec,
        context: root.context,
    });
    const byId = Object.fromEntries(rows.map((row) => [row.id, row]));
    for (const record of records) {
        if (byId[record.resId]) {
            record._applyValues(byId[record.resId]);
        }
    }
}

export class LiveListController extends ListController {
    setup() {
        super.setup();
        useLiveJobs(() => !this.model.root.editedRecord && readShown(this.model.root, this.orm));
    }
}

export class LiveKanbanController extends KanbanController {
    setup() {
        super.setup();
        // Jobs move between the columns: the columns themselves are read.
        useLiveJobs(() => this.model.root.load());
    }
}

export class LiveFormController extends FormController {
    setup() {
        super.setup();
        useLiveJobs(() => this.model.root.resId && !this.model.root.dirty && this.model.root.load());
    }
}

const views = registry.category("views");
views.add("queue_job_list", { ...listView, Controller: LiveListController });
views.add("queue_worker_list", { ...listView, Controller: LiveListController });
views.add("queue_job_kanban", { ...kanbanView, Controller: LiveKanbanController });
views.add("queue_job_form", { ...formView, Controller: LiveFormController });
