from . import queue_bench
