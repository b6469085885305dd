"""Every scenario on every queue, in turns, and the table of what came out."""

from sandbox.errors import SandboxError

from .scenario import Skipped
from .summary import Spread


class Matrix:
    """Collects `{scenario: {queue: [{metric: value}, one per repetition]}}`, ours first.

    :param scenarios: :class:`.scenario.Scenario` each
    :param queues: :class:`.queues.Queue` each
    :param floor: :class:`.floor.Floor`, or None
    """

    def __init__(self, scenarios, queues, floor, options, console):
        self.answers = {scenario.key: {} for scenario in scenarios}
        self.floor = []
        self.notes = []
        self._scenarios = scenarios
        self._queues = queues
        self._floor = floor
        self._options = options
        self._console = console

    def repeat(self, repetitions):
        """Measure A B A B ..., so that what disturbs the machine for a while disturbs all."""
        for number in range(1, repetitions + 1):
            if self._floor:
                with self._console.step(f"{number}/{repetitions} pgbench"):
                    self.floor.append(self._floor.measure(2 * self._options.jobs))
            for scenario in self._scenarios:
                for queue in self._queues:
                    if scenario.needs is None or scenario.needs in queue.can:
                        self._measure(scenario, queue, f"{number}/{repetitions} {scenario.key}, {queue.title}")

    def _measure(self, scenario, queue, title):
        try:
            with self._console.step(title):
                answer = scenario.measure(queue, self._options)
        except Skipped as reason:
            self._note(f"{scenario.key}, {queue.title}: skipped, {reason}.")
            return
        except SandboxError as error:
            if queue is self._queues[0]:
                raise
            self._note(f"{scenario.key}, {queue.title}: {error}")
            return
        self.answers[scenario.key].setdefault(queue.key, []).append(answer)

    def _note(self, text):
        if text not in self.notes:
            self.notes.append(text)
            self._console.say(f"      {text}")

    # -- the table --

    def table(self):
        """As Markdown takes it: medians, the smallest and the largest, and how many times better ours is."""
        ours, *others = self._queues
        head = ["", "unit", ours.title]
        for other in others:
            head += [other.title, "times"]
        rows = [self._cells(scenario, key) for scenario in self._scenarios for key in scenario.metrics]
        return align([head, *filter(None, rows)])

    def _cells(self, scenario, key):
        metric, answers = scenario.metrics[key], self.answers[scenario.key]
        values = {queue: [a[key] for a in found if key in a] for queue, found in answers.items()}
        ours, *others = (values.get(queue.key) for queue in self._queues)
        if not ours:
            return None
        cells = [metric.title, metric.unit, spread(ours, metric.form)]
        for theirs in others:
            cells += [spread(theirs, metric.form), spread(ratios(ours, theirs, metric), ".1f")] if theirs else ["", ""]
        return cells

    def floor_lines(self):
        """What pgbench reached, and which part of it our drain of no-op jobs."""
        if not self.floor:
            return
        updates = [answer["update"] for answer in self.floor]
        claims = [answer["claim"] for answer in self.floor]
        yield f"pgbench, one-row updates: {spread(updates, ',.0f')} transactions/s"
        yield f"pgbench, claim and complete in two transactions: {spread(claims, ',.0f')} jobs/s"
        drains = [answer["rate"] for answer in self.answers.get("drain-noop", {}).get(self._queues[0].key, [])]
        if len(drains) == len(claims):
            parts = [drain / claim for drain, claim in zip(drains, claims, strict=True)]
            yield f"{self._queues[0].title}'s drain of no-op jobs, part of the latter: {spread(parts, '.2f')}"


def ratios(ours, theirs, metric):
    """Of the repetitions in pairs; above 1 ours is better. A repetition that one of them missed doesn't count."""
    pairs = zip(ours, theirs, strict=False)
    if not metric.more_is_better:
        pairs = ((other, mine) for mine, other in pairs)
    return [over / under for over, under in pairs if under]


def spread(values, form):
    """Median [smallest-largest]."""
    if not values:
        return ""
    found = Spread.of(values)
    if len(values) == 1:
        return format(found.median, form)
    return f"{found.median:{form}} [{found.minimum:{form}}-{found.maximum:{form}}]"


def align(rows):
    """Rows of cells, the first is the head, as a Markdown table."""
    widths = [max(3, *map(len, column)) for column in zip(*rows, strict=True)]
    rule = ["-" * widths[0], "-" * widths[1], *("-" * (width - 1) + ":" for width in widths[2:])]
    head, *body = rows
    return "\n".join(_line(cells, widths) for cells in (head, rule, *body))


def _line(cells, widths):
    left = [cell.ljust(width) for cell, width in zip(cells[:2], widths[:2], strict=True)]
    right = [cell.rjust(width) for cell, width in zip(cells[2:], widths[2:], strict=True)]
    return f"| {' | '.join(left + right)} |"
