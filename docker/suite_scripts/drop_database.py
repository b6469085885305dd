"""Run by `odoo shell`: drops the suite's database and its filestore."""

import json
import os

from odoo.service import db
from odoo.tools import config

config["list_db"] = True  # a configuration may forbid this over the web; nobody forbids it to us
db.exp_drop(json.loads(os.environ["JOB_WORKER_SUITE"])["database"])
