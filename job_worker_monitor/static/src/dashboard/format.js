import { _t } from "@web/core/l10n/translation";
import { user } from "@web/core/user";

const { DateTime } = luxon;

/** Whole numbers with the separators of the user's language; "–" for nothing. */
export function formatCount(value) {
    if (value === null || value === undefined) {
        return "–";
    }
    const digits = Number.isInteger(value) || value >= 100 ? 0 : 1;
    return new Intl.NumberFormat(user.lang, { maximumFractionDigits: digits }).format(value);
}

/** Seconds in the unit that is easiest to read. */
export function formatSeconds(value) {
    if (value === null || value === undefined) {
        return "–";
    }
    const number = (amount) => new Intl.NumberFormat(user.lang, { maximumSignificantDigits: 2 }).format(amount);
    if (value < 1) {
        return _t("%s ms", number(value * 1000));
    }
    if (value < 60) {
        return _t("%s s", number(value));
    }
    if (value < 3600) {
        return _t("%s min", number(value / 60));
    }
    if (value < 86400) {
        return _t("%s h", number(value / 3600));
    }
    return _t("%s d", formatCount(value / 86400));
}

// Distances in seconds that a clock's reader expects.
const STEPS = [1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200, 14400, 21600, 43200, 86400];

/** The distance of grid lines for values up to this many seconds, so that each is a round time. */
export function stepOfSeconds(max) {
    return max > 1 ? STEPS.find((step) => max / step <= 5) : undefined;
}

/** Small numbers that need not be whole; "–" for nothing. */
export function formatAverage(value) {
    if (value === null || value === undefined) {
        return "–";
    }
    return new Intl.NumberFormat(user.lang, { maximumFractionDigits: 2 }).format(value);
}

export function formatPercent(value) {
    if (value === null || value === undefined) {
        return "–";
    }
    return new Intl.NumberFormat(user.lang, { style: "percent", maximumFractionDigits: 1 }).format(value / 100);
}

/** How long ago a time was (ISO 8601), in words. */
export function formatAgo(iso) {
    return iso ? DateTime.fromISO(iso).setLocale(user.lang).toRelative() : "–";
}

/**
 * What stands below a bin of a chart. Days are those of UTC, as they are stored; shorter bins are shown in local time.
 * @param {string} iso start of the bin
 * @param {number} step length of the bin in seconds
 */
export function formatBin(iso, step) {
    const start = DateTime.fromISO(iso, { zone: step >= 86400 ? "utc" : "local" }).setLocale(user.lang);
    if (step >= 86400) {
        return start.toLocaleString({ month: "short", day: "numeric" });
    }
    if (step > 3600) {
        return start.toLocaleString({ weekday: "short", hour: "2-digit", minute: "2-digit" });
    }
    return start.toLocaleString(DateTime.TIME_SIMPLE);
}
