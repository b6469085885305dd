from . import test_histogram
from . import test_episode
from . import test_collect
from . import test_rules
from . import test_metrics_endpoint
from . import test_deliveries
from . import test_dashboard
from . import test_chaos
