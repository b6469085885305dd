from . import test_queue_demo_task
