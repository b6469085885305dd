"""A real Odoo server, a real browser that looks at it, and real workers: all on one database."""

import http.client
import json
import logging
import socket
import subprocess
import sys

import psutil

from odoo import SUPERUSER_ID, api
from odoo.modules.registry import Registry
from odoo.tests.common import ChromeBrowser

from odoo.addons.job_worker.tests.tour_case import leave_out_lacking_asset

from .common import WorkerCase

HOST = "127.0.0.1"
LOG_IN = """
    document.querySelector("[name=login]").value = "admin";
    document.querySelector("[name=password]").value = "admin";
    document.querySelector("form.oe_login_form").submit();
"""


class PageCase(WorkerCase):
    """Opens pages as the administrator, and looks at them while other processes work."""

    # What the browser asks of its test case.
    _logger = logging.getLogger(__name__)
    browser_size = "1366x768"
    touch_enabled = False

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        with Registry(cls.db_name).cursor() as cr:
            asset = leave_out_lacking_asset(api.Environment(cr, SUPERUSER_ID, {}))
        cls.addClassCleanup(cls.remove_asset, asset.ids)

    @classmethod
    def remove_asset(cls, ids):
        with Registry(cls.db_name).cursor() as cr:
            api.Environment(cr, SUPERUSER_ID, {})["ir.asset"].browse(ids).unlink()

    def setUp(self):
        super().setUp()
        self.port = self.start_server()
        self.browser = ChromeBrowser(self)
        self.addCleanup(self.browser.stop)
        self.open("/web/login", "[name=password]")
        self.look(LOG_IN)
        self.see("document.querySelector('.o_main_navbar')")

    def start_server(self):
        """Start Odoo, without crons; return its port once it answers."""
        with socket.socket() as probe:
            probe.bind((HOST, 0))
            port = probe.getsockname()[1]
        self.server_log = self.directory / f"server-{self._testMethodName}.log"
        options = (f"--http-interface={HOST}", f"--http-port={port}", "--workers=0", "--max-cron-threads=0")
        with self.server_log.open("w") as output:
            server = psutil.Popen(
                [sys.executable, "-m", "odoo", "server", "-c", self.conf, "-d", self.db_name, *options],
                env=self.environment(),
                stdout=output,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
            )
        self.addCleanup(server.wait)
        self.addCleanup(server.kill)
        self.wait_until(lambda: answers(port), "the server answers")
        return port

    def fetch_proxy(self, url):
        """The browser reaches nothing but this machine."""
        return {"body": "", "responseCode": 404, "responseHeaders": []}

    def open(self, path, selector):
        """Open a page and wait until something is there."""
        self.browser.navigate_to(f"http://{HOST}:{self.port}{path}", wait_stop=True)
        self.see(f"document.querySelector({json.dumps(selector)})")

    def look(self, code):
        """Run JavaScript in the page; return its value."""
        parameters = {"expression": code, "returnByValue": True}
        return self.browser._websocket_request("Runtime.evaluate", params=parameters)["result"].get("value")

    def see(self, condition):
        """Wait until an expression of JavaScript is true in the page."""
        self.wait_until(lambda: self.look(f"Boolean({condition})"), f"the page has {condition}")

    def explain(self):
        shown = self.look("document.body?.innerText") if hasattr(self, "browser") else ""
        return f"\n--- page:\n{shown}\n--- server:\n{self.server_log.read_text()[-3000:]}{super().explain()}"


def answers(port):
    """Whether a web server at ``port`` says that it is well."""
    connection = http.client.HTTPConnection(HOST, port, timeout=30)
    try:
        connection.request("GET", "/web/health")
        return connection.getresponse().status == http.client.OK
    except OSError:
        return False
    finally:
        connection.close()
