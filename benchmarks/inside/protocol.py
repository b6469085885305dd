"""How the harness talks to an agent: a line of JSON each way. Standard library only, for peers import it too."""

import json
import sys
import traceback

from . import RESULT


def serve(commands):
    """Obey until the harness closes the pipe.

    :param commands: object whose public methods are the commands; each takes keyword arguments
        and returns what JSON can hold
    """
    _say({"ready": True})
    for line in sys.stdin:
        request = json.loads(line)
        try:
            answer = getattr(commands, request.pop("do"))(**request)
        except Exception as error:  # noqa: BLE001  (the harness tells it, with this process's log)
            traceback.print_exc()
            _say({"error": f"{type(error).__name__}: {error}"})
        else:
            _say({"answer": answer})


def _say(message):
    print("\n" + RESULT + json.dumps(message), flush=True)
