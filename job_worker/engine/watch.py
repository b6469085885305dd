"""What a worker looks at once a second besides the queue: models that change, requests, orphans."""

import time
from dataclasses import dataclass, field

from .queries import QUERIES

# After modules have changed state, the signal that the registry is new comes a little later, or
# never when the change was given up.
SETTLE_SECONDS = 10.0


@dataclass(frozen=True)
class View:
    """One look: version of the registry, names of changing modules, whether there is work for other steps.

    ``watched`` while somebody has a page of the queue open.
    """

    registry_sequence: int
    changing_modules: tuple
    cancellations: bool
    orphans: bool
    watched: bool = False


def look_around(cursor):
    cursor.execute(QUERIES["look_around"])
    sequence, modules, *answers = cursor.fetchone()
    return View(sequence, tuple(modules or ()), *answers)


@dataclass
class ModuleWatch:
    """Tells whether jobs may be claimed, as modules come, change and go.

    :param loaded_sequence: version of the registry that this process has loaded; None for the first one seen
    """

    loaded_sequence: int | None = None
    stale: bool = False
    reason: str = ""
    _settling_until: float = field(default=0.0)

    def update(self, view):
        """Take a new look into account; ``reason`` then says why nothing is claimed, empty when all is well."""
        if self.loaded_sequence is None:
            self.loaded_sequence = view.registry_sequence
        if view.changing_modules:
            self._settling_until = time.monotonic() + SETTLE_SECONDS
            self.reason = f"modules are being changed: {_abridged(view.changing_modules)}"
        elif view.registry_sequence != self.loaded_sequence:
            self.stale = True
            self.reason = "the models have changed and are being loaded anew"
        elif time.monotonic() < self._settling_until:
            self.reason = "modules have just been changed"
        else:
            self.reason = ""


def _abridged(names, count=5):
    return ", ".join(names[:count]) + (f" and {len(names) - count} more" if len(names) > count else "")
