"""What a person reads: on what it was measured, and a table that Markdown takes as it is."""

import os
import platform
from datetime import datetime, timezone
from pathlib import Path

from sandbox import commands
from sandbox.paths import REPOSITORY


def describe(sides, answers):
    """On what and with what it was measured, as `{label: text}`.

    :param dict answers: `{side's key: [answer, ...]}`
    """
    ours = answers[sides[0].product.key][0]
    settings = dict(ours["about"]["postgresql"])
    lines = _machine(settings, ours["about"])
    for side in sides:
        version = answers[side.product.key][0]["about"]["version"]
        lines[side.product.title] = version if side.product.distribution else version + _revision()
    lines["Repetitions"] = f"{len(answers[sides[0].product.key])} of each side, interleaved"
    if not ours["checkpoints"]:
        lines["Repetitions"] += "; without checkpoints between them, for the database role may not"
    return lines


def about(queues, options, repetitions):
    """On what and with what `run.py` measured, as `{label: text}`.

    :param queues: :class:`.queues.Queue` each, ours first
    :param options: :class:`.scenario.Options`
    """
    ours = queues[0].about()
    settings = dict(ours["postgresql"])
    lines = _machine(settings, ours)
    lines |= {queue.title: queue.version() for queue in queues}
    lines[queues[0].title] += _revision()
    sizes = ", ".join(f"{queue.title} {int(options.jobs * queue.share):,}" for queue in queues)
    lines["Jobs"] = f"{sizes}; history of {options.finished:,} and backlog of {options.backlog:,}"
    lines["Repetitions"] = f"{repetitions} of each, interleaved"
    return lines


def _machine(settings, ours):
    return {
        "Date": datetime.now(timezone.utc).strftime("%Y-%m-%d %H:%M UTC"),
        "CPU": f"{_cpu()}, {os.cpu_count()} cores",
        "PostgreSQL": settings.pop("server_version"),
        "Settings": ", ".join(f"{name} {value}" for name, value in settings.items()),
        "Odoo": f"{ours['odoo']}, Python {ours['python']}",
    }


def header(lines):
    width = max(map(len, lines)) + 1
    return "\n".join(f"{label + ':':{width}} {text}" for label, text in lines.items())


def table(sides, rows):
    """The rows of :func:`.summary.summarize`, aligned."""
    ours, *others = sides
    head = ["scenario", "jobs", *_side_head(ours)]
    for other in others:
        head += [*_side_head(other), "ratio"]
    body = [_cells(sides, row) for row in rows]
    return plain_table(head, body)


def plain_table(head, body):
    """A table of texts; all columns but the first are numbers."""
    body = list(body)
    widths = [max(map(len, column)) for column in zip(head, *body, strict=True)]
    rule = ["-" * widths[0], *("-" * (width - 1) + ":" for width in widths[1:])]
    return "\n".join(_line(cells, widths) for cells in (head, rule, *body))


def alternatives(sides, rows):
    """Of scenarios that a side can do in several ways, all of them: the table has the fastest."""
    for row in rows:
        for side in sides:
            ways = row.ways[side.product.key]
            if len(ways) > 1:
                rates = ", ".join(f"{way.name} {_number(way.rate.median)} jobs/s" for way in ways)
                yield f"{row.scenario}, {side.product.title}: {rates}"


def _side_head(side):
    return [f"{side.product.title} jobs/s", "seconds", "statements"]


def _cells(sides, row):
    ours, *others = (side.product.key for side in sides)
    cells = [row.scenario, _number(row.ways[ours][0].jobs), *_side_cells(row.ways[ours][0])]
    for other in others:
        cells += [*_side_cells(row.ways[other][0]), _spread(row.ratios[other], "{:.1f}".format)]
    return cells


def _side_cells(way):
    return [_spread(way.rate, _number), f"{way.seconds.median:.2f}", _number(way.statements)]


def _spread(spread, form):
    return f"{form(spread.median)} [{form(spread.minimum)}-{form(spread.maximum)}]"


def _number(value):
    return f"{value:,.0f}"


def _line(cells, widths):
    first, *rest = zip(cells, widths, strict=True)
    return f"| {' | '.join([first[0].ljust(first[1]), *(cell.rjust(width) for cell, width in rest)])} |"


def _cpu():
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return models[0] if models else platform.processor() or platform.machine()


def _revision():
    """The commit that was measured, when git can tell."""
    try:
        describe = ["git", "-C", REPOSITORY, "describe", "--always", "--dirty=, modified"]
        return f" ({commands.output_of(describe).strip()})"
    except commands.FAILURES:
        return ""
