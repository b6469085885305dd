from . import test_attacks
from . import test_faults
from . import test_graph_process
from . import test_identity_race
from . import test_launcher
from . import test_limits_process
from . import test_modules
from . import test_worker_process
