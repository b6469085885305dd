"""What wakes an event loop: things with a callable each, registered in a selector."""

import math


def wait_and_call(selector, seconds):
    """Wait for something that is ready, ``seconds`` at most (may be ``inf``), and call what is registered with it.

    What one of them does may close another that was ready too, such as the second pipe of an executor that
    has died: that one is left alone.
    """
    for key, _events in selector.select(None if math.isinf(seconds) else seconds):
        if selector.get_map().get(key.fd) is key:
            key.data()
