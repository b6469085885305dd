"""The memory of an executor: how much it has, and a limit that it can't get past."""

import resource
import sys

_PAGE = resource.getpagesize()


def virtual_memory():
    """Virtual memory of this process in bytes, as Odoo measures its own workers; 0 where the kernel doesn't tell."""
    try:
        with open("/proc/self/statm") as statm:
            return int(statm.read().split()[0]) * _PAGE
    except OSError:
        return 0


def limit_memory(limit_bytes):
    """Let allocations past ``limit_bytes`` of virtual memory fail in this process: Python raises MemoryError."""
    # As in Odoo: macOS gives every process a vast address space.
    if limit_bytes and sys.platform == "linux":
        _soft, hard = resource.getrlimit(resource.RLIMIT_AS)
        resource.setrlimit(resource.RLIMIT_AS, (limit_bytes, hard))
