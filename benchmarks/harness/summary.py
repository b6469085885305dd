"""From repetitions to medians and ratios: pure functions on what the sides answered."""

from dataclasses import asdict, dataclass
from statistics import median


@dataclass(frozen=True)
class Spread:
    """A median with its extremes."""

    median: float
    minimum: float
    maximum: float

    @classmethod
    def of(cls, values):
        values = list(values)
        return cls(median(values), min(values), max(values))


@dataclass(frozen=True)
class Way:
    """How one side did a scenario; one value per repetition in `rates` (jobs per second)."""

    name: str
    jobs: int
    statements: int
    seconds: Spread
    rate: Spread
    rates: tuple


@dataclass(frozen=True)
class Row:
    """A scenario: `{side's key: its ways, the fastest first}` and ours over each other side's."""

    scenario: str
    ways: dict
    ratios: dict

    def as_json(self):
        return asdict(self)


def summarize(answers):
    """Return a :class:`Row` per scenario.

    :param dict answers: `{side's key: [{"rows": [...]}, one per repetition]}`, ours first
    """
    scenarios = dict.fromkeys(row["scenario"] for row in next(iter(answers.values()))[0]["rows"])
    return [_summarize_scenario(scenario, answers) for scenario in scenarios]


def _summarize_scenario(scenario, answers):
    ways = {key: _ways(scenario, repetitions) for key, repetitions in answers.items()}
    (_key, ours), *others = ways.items()
    ratios = {key: _ratio(ours[0], theirs[0]) for key, theirs in others}
    return Row(scenario, ways, ratios)


def _ways(scenario, repetitions):
    measured = {}
    for answer in repetitions:
        for row in answer["rows"]:
            if row["scenario"] == scenario:
                measured.setdefault(row["way"], []).append(row)
    ways = [_way(name, rows) for name, rows in measured.items()]
    return sorted(ways, key=lambda way: way.rate.median, reverse=True)


def _way(name, rows):
    rates = tuple(row["jobs"] / row["seconds"] for row in rows)
    seconds = Spread.of(row["seconds"] for row in rows)
    return Way(name, rows[0]["jobs"], rows[0]["statements"], seconds, Spread.of(rates), rates)


def _ratio(ours, theirs):
    """Of the repetitions in pairs, which were measured one after the other."""
    return Spread.of(mine / other for mine, other in zip(ours.rates, theirs.rates, strict=True))
