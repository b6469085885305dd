import { registry } from "@web/core/registry";
import { _t } from "@web/core/l10n/translation";
import { CopyButton } from "@web/core/copy_button/copy_button";
import { standardFieldProps } from "@web/views/fields/standard_field_props";
import { Component, xml } from "@odoo/owl";

/** A traceback, JSON or the like: as it is, with a button that copies it. */
export class CodeField extends Component {
    static template = xml`
        <div t-if="text" class="o_queue_code position-relative border rounded bg-100">
            <CopyButton className="'btn-sm btn-light position-absolute top-0 end-0 m-1'" icon="'fa-clipboard'" copyText="copyText" successText="successText" content="text"/>
            <pre class="m-0 p-3" t-esc="text"/>
        </div>`;
    static components = { CopyButton };
    static props = { ...standardFieldProps };

    setup() {
        this.copyText = _t("Copy");
        this.successText = _t("Copied");
    }

    get text() {
        return this.props.record.data[this.props.name] || "";
    }
}

registry.category("fields").add("queue_code", {
    component: CodeField,
    displayName: _t("Code"),
    supportedTypes: ["text", "char"],
});
