from . import test_launcher
from . import test_modules
from . import test_worker_process
