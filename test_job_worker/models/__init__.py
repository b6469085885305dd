from . import queue_test_ledger
