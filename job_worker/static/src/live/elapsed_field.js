import { browser } from "@web/core/browser/browser";
import { registry } from "@web/core/registry";
import { _t } from "@web/core/l10n/translation";
import { standardFieldProps } from "@web/views/fields/standard_field_props";
import { Component, onWillUnmount, useState, xml } from "@odoo/owl";

/** Seconds as people say them: 12 s, 3:05, 2:00:07. */
export function formatElapsed(seconds) {
    const whole = Math.floor(seconds);
    if (whole < 60) {
        return `${whole} s`;
    }
    const two = (number) => String(number).padStart(2, "0");
    const [hours, minutes] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60];
    const tail = two(whole % 60);
    return hours ? `${hours}:${two(minutes)}:${tail}` : `${minutes}:${tail}`;
}

/** The seconds that a job has been running: read once, then counted here. */
export class ElapsedField extends Component {
    static template = xml`<span class="o_queue_elapsed" t-esc="text"/>`;
    static props = { ...standardFieldProps };

    setup() {
        this.state = useState({ now: Date.now() });
        this.value = null;
        const timer = browser.setInterval(() => (this.state.now = Date.now()), 1000);
        onWillUnmount(() => browser.clearInterval(timer));
    }

    get text() {
        const value = this.props.record.data[this.props.name];
        if (value !== this.value) {
            this.value = value;
            this.readAt = Date.now();
        }
        return value ? formatElapsed(value + Math.max(this.state.now - this.readAt, 0) / 1000) : "";
    }
}

registry.category("fields").add("queue_elapsed", {
    component: ElapsedField,
    displayName: _t("Elapsed time"),
    supportedTypes: ["float"],
});
