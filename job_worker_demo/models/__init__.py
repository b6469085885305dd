from . import queue_demo_task
from . import scenarios_basic
from . import scenarios_failure
from . import scenarios_graph
from . import scenarios_limit
from . import queue_demo_scenario
