"""Databases of a test's own, made from one template that has the test modules installed."""

import shutil
from textwrap import dedent

import psycopg2

from odoo import sql_db
from odoo.tools import config

from .common import WorkerCase, query_once

ADDON = "queue_test_addon"
MANIFEST = {"name": "Changing Addon", "version": "1.0", "license": "LGPL-3", "depends": ["test_job_worker"]}


class DatabaseCase(WorkerCase):
    """Its databases are served by workers, but this process loads none of them."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.addons = cls.directory / "addons"
        cls.write_addon({})
        cls.conf = cls.write_conf("databases.conf", addons_path=",".join([*config["addons_path"], str(cls.addons)]))
        cls.template = f"{cls.db_name}_template"
        cls.names = [cls.template]
        cls.addClassCleanup(cls.drop_databases)
        ended = cls.run_program(
            "-m", "odoo", "server", "-c", cls.conf, "-d", cls.template, "-i", ADDON, "--no-http", "--stop-after-init"
        )
        assert ended.returncode == 0, ended.stderr

    @classmethod
    def write_addon(cls, methods, **manifest):
        """Write the addon that changes: ``methods`` of the ledger, ``{name: body}``."""
        directory = cls.addons / ADDON
        shutil.rmtree(directory, ignore_errors=True)
        (directory / "models").mkdir(parents=True)
        (directory / "__manifest__.py").write_text(repr({**MANIFEST, **manifest}))
        (directory / "__init__.py").write_text("from . import models\n")
        (directory / "models" / "__init__.py").write_text("from . import ledger\n")
        code = dedent(
            """
            from odoo import fields, models

            class Ledger(models.Model):
                _inherit = "queue.test.ledger"

                note = fields.Char()
            """
        )
        for name, body in methods.items():
            code += f"\n    def {name}(self, name):\n        {body}\n"
        (directory / "models" / "ledger.py").write_text(code)

    @classmethod
    def create_database(cls, suffix):
        """Copy the template; return the name of the copy."""
        name = f"{cls.db_name}_{suffix}"
        cls.names.append(name)
        sql_db.close_db(cls.template)
        cls.administer(
            f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)', f'CREATE DATABASE "{name}" TEMPLATE "{cls.template}"'
        )
        return name

    @classmethod
    def drop_databases(cls):
        for name in cls.names:
            sql_db.close_db(name)
        cls.administer(*(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)' for name in cls.names))

    @classmethod
    def administer(cls, *statements):
        connection = psycopg2.connect(**sql_db.connection_info_for("postgres")[1])
        connection.autocommit = True
        with connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)
        connection.close()

    def query_in(self, db_name, sql, *params):
        """As :meth:`query`, in another database and without a connection left behind."""
        return query_once(sql_db.connection_info_for(db_name)[1], sql, params)

    def use(self, db_name):
        """Let the helpers of this test work on another database."""
        self.db_name = db_name

    def query(self, sql, *params):
        return self.query_in(self.db_name, sql, *params)
