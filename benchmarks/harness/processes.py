"""What a worker's processes take, from /proc (Linux)."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Memory:
    """Of one process, in bytes: what it has for itself, what it shares, and its fair part of all."""

    private: int
    shared: int
    proportional: int


def family(pid):
    """A process and all its descendants."""
    members = [pid]
    for member in members:
        members += children(member)
    return members


def children(pid):
    found = []
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            found += map(int, task.read_text().split())
        except OSError:  # it has just ended
            continue
    return found


def leaves(pid):
    """The descendants without children of their own, apart from programs that were started anew (OCA's gevent)."""
    own = _program(pid)
    return [member for member in family(pid) if not children(member) and _program(member) == own]


def memory(pid):
    text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    sizes = {}
    for line in text.splitlines()[1:]:
        name, _colon, size = line.partition(":")
        sizes[name] = int(size.split()[0]) * 1024
    private = sizes["Private_Clean"] + sizes["Private_Dirty"]
    return Memory(private, sizes["Shared_Clean"] + sizes["Shared_Dirty"], sizes["Pss"])


def cpu_seconds(pids):
    """Time that these processes have spent on a CPU."""
    return sum(map(_cpu_nanoseconds, pids)) / 1e9


def _cpu_nanoseconds(pid):
    """The scheduler's own count of all threads: that of /proc/PID/stat is in ticks, too coarse for an idle process."""
    tasks = Path(f"/proc/{pid}/task").glob("*/schedstat")
    return sum(int(task.read_text().split()[0]) for task in tasks)


def _program(pid):
    return Path(f"/proc/{pid}/cmdline").read_bytes()
