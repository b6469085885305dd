from . import test_claim
from . import test_enqueue
from . import test_import_rules
from . import test_options
from . import test_payload
from . import test_queries
from . import test_retry
from . import test_security
