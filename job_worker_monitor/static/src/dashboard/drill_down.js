import { _t } from "@web/core/l10n/translation";

const VIEWS = {
    "queue.job": ["list", "form"],
    "queue.worker": ["list"],
    "queue.alert": ["list", "form"],
    "ir.cron": ["list", "form"],
};

/**
 * The action that shows the records behind a number.
 * @param {string} model
 * @param {Array} domain
 * @param {string} [name]
 */
export function openRecords(model, domain, name) {
    return {
        type: "ir.actions.act_window",
        name: name || _t("Behind the Numbers"),
        res_model: model,
        domain,
        views: VIEWS[model].map((type) => [false, type]),
        target: "current",
    };
}

/** A time as domains have it: UTC without a zone. */
export function serialize(iso) {
    return iso.replace("T", " ").replace("Z", "");
}

/** Domain of the jobs of a function, "res.partner.write". */
export function functionDomain(name) {
    const dot = name.lastIndexOf(".");
    return [
        ["model_name", "=", name.slice(0, dot)],
        ["method_name", "=", name.slice(dot + 1)],
    ];
}
