"""One enqueueing after the other at a steady rate, for the scenarios that measure latency."""

import time


def paced(enqueue, jobs, rate):
    """Call `enqueue(number)` at `rate` per second; returns when each had committed (Unix time, seconds).

    A call that comes late is made at once, and the next ones keep to the plan.

    :param enqueue: function of a number that commits and returns the time at which it had
    """
    begin = time.time()
    committed = []
    for number in range(jobs):
        time.sleep(max(0.0, begin + number / rate - time.time()))
        committed.append(enqueue(number))
    return committed
