"""UUIDs of jobs: version 7 of RFC 9562, a time and random bits.

With random ones each change of a job's row would touch another page of their index, in a table with millions of
finished jobs one that is in no cache. Those of one time lie together.
"""

import secrets
import time
from uuid import UUID

_VERSION, _VARIANT = 7, 0b10
_RANDOM_BITS = 62


def new_uuid(milliseconds=None):
    """A new UUID as text: 48 bits of time, 12 and 62 random ones.

    :param milliseconds: since 1970, None for now
    """
    if milliseconds is None:
        milliseconds = time.time_ns() // 1_000_000
    random_bits = secrets.randbits(12 + _RANDOM_BITS)
    high = (milliseconds << 16) | (_VERSION << 12) | (random_bits >> _RANDOM_BITS)
    low = (_VARIANT << _RANDOM_BITS) | (random_bits & ((1 << _RANDOM_BITS) - 1))
    return str(UUID(int=(high << 64) | low))
