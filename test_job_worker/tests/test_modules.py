import re

import psycopg2

from odoo import sql_db
from odoo.tests import tagged

from .common import ProcessCase

MODULES = "job_worker,job_worker_demo,job_worker_monitor"
PROBLEM = re.compile(r" \d+ (WARNING|ERROR|CRITICAL) |Traceback")
UNINSTALL = """
modules = env["ir.module.module"].search([("name", "in", {modules!r}.split(","))])
modules.button_immediate_uninstall()
print("left:", modules.filtered(lambda module: module.state != "uninstalled").mapped("name"))
"""


@tagged("post_install", "-at_install")
class TestModules(ProcessCase):
    """The modules come, change and go without a complaint in the log."""

    def setUp(self):
        super().setUp()
        self.new_db = f"{self.db_name}_modules"
        self._drop()
        self.addCleanup(self._drop)

    def test_the_modules_install_upgrade_and_uninstall_quietly(self):
        self.run_odoo("server", "-i", MODULES, "--with-demo", "--stop-after-init")
        self.run_odoo("server", "-u", MODULES, "--stop-after-init")
        ended = self.run_odoo("shell", "--shell-interface", "python", stdin=UNINSTALL.format(modules=MODULES))
        self.assertIn("left: []", ended.stdout)
        with sql_db.db_connect(self.new_db).cursor() as cr:
            cr.execute("SELECT relname FROM pg_class WHERE relname LIKE 'queue\\_%'")
            self.assertEqual(cr.fetchall(), [])
        sql_db.close_db(self.new_db)

    def run_odoo(self, command, *arguments, stdin=""):
        arguments = ("-c", self.conf, "-d", self.new_db, "--no-http", *arguments)
        ended = self.run_program("-m", "odoo", command, *arguments, stdin=stdin)
        self.assertEqual(ended.returncode, 0, ended.stderr)
        problems = [line for line in ended.stderr.splitlines() if PROBLEM.search(line)]
        self.assertEqual(problems, [])
        return ended

    def _drop(self):
        connection = psycopg2.connect(**sql_db.connection_info_for("postgres")[1])
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(f'DROP DATABASE IF EXISTS "{self.new_db}" WITH (FORCE)')
        connection.close()
