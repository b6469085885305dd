# A job may commit, that is what is tested. pylint: disable=invalid-commit
import io
from types import SimpleNamespace

import psycopg2
from psycopg2 import extensions, sql

from odoo.tests import tagged

from ..engine.store import finish_job
from ..runtime.cursors import JobCursors, begin_job
from ..runtime.job_connection import JobConnection
from .claim_case import ClaimCase

_TABLE = "queue_test_connection"


@tagged("post_install", "-at_install")
class TestJobConnection(ClaimCase):
    """BEGIN and COMMIT travel with other statements, and a job sees no difference."""

    def setUp(self):
        super().setUp()
        self.execute(f"CREATE TABLE {_TABLE} (number int)")
        self.addCleanup(self.execute, f"DROP TABLE {_TABLE}")
        cursors = JobCursors(self.env.cr.dbname, tuple(self.registry.cache_sequences))
        self.cr = cursors.cursor()
        self.connection = self.cr.connection
        self.addCleanup(self.connection.close)
        self.addCleanup(self.cr.close)

    def stored(self):
        """What others see."""
        return sorted(number for (number,) in self.execute(f"SELECT number FROM {_TABLE}"))

    def test_the_first_statement_begins_a_transaction_with_a_snapshot_of_its_own(self):
        self.assertIsInstance(self.connection, JobConnection)
        self.assertFalse(self.connection.in_transaction)
        self.assertIs(begin_job(self.registry, self.cr, self.env.ref("base.user_admin").id), True)
        self.cr.execute("SHOW transaction_isolation")
        self.assertEqual((self.cr.fetchone(), self.connection.in_transaction), (("repeatable read",), True))
        self.execute(f"INSERT INTO {_TABLE} VALUES (1)")
        self.cr.execute(f"SELECT count(*) FROM {_TABLE}")
        self.assertEqual(self.cr.fetchone(), (0,))

    def test_every_way_to_send_a_statement_begins_a_transaction(self):
        ways = {
            "text": lambda: self.cr.execute(f"INSERT INTO {_TABLE} VALUES (%s)", [1]),
            "bytes": lambda: self.cr.execute(f"INSERT INTO {_TABLE} VALUES (1)".encode()),
            "composed": lambda: self.cr.execute(sql.SQL("INSERT INTO {} VALUES (1)").format(sql.Identifier(_TABLE))),
            "executemany": lambda: self.cr.executemany(f"INSERT INTO {_TABLE} VALUES (%s)", [[1], [2]]),
            "copy": lambda: self.cr.copy_expert(f"COPY {_TABLE} FROM STDIN", io.StringIO("1\n")),
            "callproc": lambda: self.cr.callproc("pg_backend_pid"),
        }
        for name, send in ways.items():
            with self.subTest(name):
                send()
                self.assertTrue(self.connection.in_transaction)
                self.cr.rollback()
                self.assertEqual((self.stored(), self.connection.in_transaction), ([], False))

    def test_a_job_may_commit_and_go_on(self):
        self.cr.execute(f"INSERT INTO {_TABLE} VALUES (1)")
        self.cr.commit()
        self.assertEqual(self.stored(), [1])
        self.cr.execute(f"INSERT INTO {_TABLE} VALUES (2)")
        with self.cr.savepoint():
            self.cr.execute(f"INSERT INTO {_TABLE} VALUES (3)")
        self.assertEqual(self.stored(), [1])
        self.cr.rollback()
        self.assertEqual(self.stored(), [1])

    def test_a_transaction_that_failed_is_rolled_back(self):
        self.cr.execute(f"INSERT INTO {_TABLE} VALUES (1)")
        with self.assertRaises(psycopg2.errors.DivisionByZero):
            self.cr.execute("SELECT 1 / 0", log_exceptions=False)
        with self.assertRaises(psycopg2.errors.InFailedSqlTransaction):
            self.cr.execute("SELECT 1", log_exceptions=False)
        self.cr.rollback()
        self.cr.execute("SELECT 1")
        self.assertEqual(self.stored(), [])

    def test_the_commit_that_goes_along_with_the_end_of_a_job_needs_its_claim(self):
        job_id = self.insert()
        (job,) = self.claim().jobs
        lost = SimpleNamespace(id=job_id, claim_token=job.claim_token - 1)
        for claim, ended in ((lost, False), (job, True)):
            self.cr.execute(f"INSERT INTO {_TABLE} VALUES (%s)", [claim.claim_token])
            finished = finish_job(
                lambda *args: self.cr.execute(*args, log_exceptions=False), claim, None, 0.1, then="COMMIT"
            )
            self.assertEqual((finished, self.connection.in_transaction), (ended, not ended))
            self.cr.rollback()
        self.assertEqual(self.stored(), [job.claim_token])
        self.assertEqual(self.state(job_id), "done")

    def test_a_cursor_of_the_server_works_and_is_closed_for_the_next_job(self):
        begin_job(self.registry, self.cr, self.env.uid)
        rows = self.connection.cursor("job_rows")
        rows.execute("SELECT generate_series(1, %s)", [5000])
        self.assertEqual(sum(number for (number,) in rows), 5000 * 5001 // 2)
        self.cr.commit()
        begin_job(self.registry, self.cr, self.env.uid)
        self.cr.execute("SELECT count(*) FROM pg_cursors WHERE name = 'job_rows'")
        self.assertEqual(self.cr.fetchone(), (0,))

    def test_settings_of_a_job_do_not_reach_the_next_one(self):
        self.cr.execute("SET work_mem = '123MB'")
        self.cr.commit()
        begin_job(self.registry, self.cr, self.env.uid)
        self.cr.execute("SHOW work_mem")
        self.assertNotEqual(self.cr.fetchone(), ("123MB",))

    def test_the_kind_of_transaction_cannot_be_changed(self):
        with self.assertRaisesRegex(psycopg2.ProgrammingError, "REPEATABLE READ"):
            self.connection.set_isolation_level(extensions.ISOLATION_LEVEL_SERIALIZABLE)
        with self.assertRaisesRegex(psycopg2.ProgrammingError, "session"):
            self.connection.set_session(readonly=True)
