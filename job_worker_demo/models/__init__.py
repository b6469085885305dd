from . import queue_demo_task
