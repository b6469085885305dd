from . import test_queue_demo_task
from . import test_scenarios
