# A job may commit, that is what is tested. pylint: disable=invalid-commit
import io
from types import SimpleNamespace

import psycopg2
from psycopg2 import extensions, sql

from odoo.tests import tagged

from ..engine.store import finish_job
from ..exception import ClaimLostError, StaleRegistryError
from ..runtime.cursors import JobCursors, begin_job
from ..runtime.job_connection import JobConnection
from ..runtime.once import complete_and_commit
from .claim_case import ClaimCase

_TABLE = "queue_test_connection"


@tagged("post_install", "-at_install")
class TestJobConnection(ClaimCase):
    """BEGIN and COMMIT travel with other statements, and a job sees no difference."""

    def setUp(self):
        super().setUp()
        self.execute(f"CREATE TABLE {_TABLE} (number int)")
        self.addCleanup(self.execute, f"DROP TABLE {_TABLE}")
        self.admin_id = self.env.ref("base.user_admin").id
        self.cursors = JobCursors(self.env.cr.dbname, tuple(self.registry.cache_sequences))
        self.cr = self.cursors.cursor()
        self.connection = self.cr.connection
        self.addCleanup(self.connection.close)
        self.addCleanup(self.cr.close)

    def stored(self):
        """What others see."""
        return sorted(number for (number,) in self.execute(f"SELECT number FROM {_TABLE}"))

    def test_the_first_statement_begins_a_transaction_with_a_snapshot_of_its_own(self):
        self.assertIsInstance(self.connection, JobConnection)
        self.assertFalse(self.connection.in_transaction)
        self.assertIs(begin_job(self.registry, self.cr, self.admin_id), True)
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

    def test_the_first_statement_of_the_next_job_goes_along_with_the_end_of_one(self):
        first_id, second_id = self.insert(), self.insert()
        first, second = self.claim().jobs
        begin_job(self.registry, self.cr, self.admin_id)
        self.cr.execute(f"INSERT INTO {_TABLE} VALUES (1)")
        complete_and_commit(self.registry, self.cr, first, None, 0.1, SimpleNamespace(user_id=self.admin_id))
        self.assertEqual((self.stored(), self.state(first_id), self.state(second_id)), ([1], "done", "started"))
        self.execute(f"INSERT INTO {_TABLE} VALUES (2)")
        # What the cursor of the first one does at its end isn't for the transaction of the second.
        self.cr.commit()
        self.cr.rollback()
        with self.cursors.cursor() as cr:
            self.assertIs(begin_job(self.registry, cr, self.admin_id), True)
            self.assertEqual(cr.sql_log_count, 0)
            cr.execute(f"SELECT count(*) FROM {_TABLE}")
            self.assertEqual(cr.fetchone(), (1,), "Its snapshot is as old as its first statement")
            cr.execute(f"INSERT INTO {_TABLE} VALUES (3)")
            complete_and_commit(self.registry, cr, second, None, 0.1, None)
        self.assertEqual((self.stored(), self.connection.in_transaction), ([1, 2, 3], False))

    def test_whatever_comes_between_two_jobs_has_a_transaction_of_its_own(self):
        self.insert()
        (job,) = self.claim().jobs
        begin_job(self.registry, self.cr, self.admin_id)
        complete_and_commit(self.registry, self.cr, job, None, 0.1, SimpleNamespace(user_id=self.admin_id))
        self.cr.execute("SELECT pg_backend_pid()")
        self.cr.commit()
        self.execute(f"INSERT INTO {_TABLE} VALUES (2)")
        begin_job(self.registry, self.cr, self.admin_id)
        self.cr.execute(f"SELECT count(*) FROM {_TABLE}")
        self.assertEqual(self.cr.fetchone(), (1,))

    def test_a_lost_claim_leaves_the_next_job_alone(self):
        self.insert()
        (job,) = self.claim().jobs
        lost = SimpleNamespace(id=job.id, uuid=job.uuid, claim_token=job.claim_token - 1)
        begin_job(self.registry, self.cr, self.admin_id)
        with self.assertRaises(ClaimLostError):
            complete_and_commit(self.registry, self.cr, lost, None, 0.1, SimpleNamespace(user_id=self.admin_id))
        self.cr.rollback()
        self.assertIsNone(self.connection.take_ahead())

    def test_models_that_changed_are_noticed_and_a_change_that_was_rolled_back_is_none(self):
        sequence = "orm_signaling_registry_id_seq"
        self.addCleanup(self.execute, "SELECT setval(%s, %s)", sequence, self.registry.registry_sequence)
        self.execute("SELECT nextval(%s)", sequence)  # as a transaction does that isn't committed, yet or ever
        self.assertIs(begin_job(self.registry, self.cr, self.admin_id), True)
        self.cr.rollback()
        self.execute("INSERT INTO orm_signaling_registry DEFAULT VALUES")
        undo = "DELETE FROM orm_signaling_registry WHERE id > %s"
        self.addCleanup(self.execute, undo, self.registry.registry_sequence)
        with self.assertRaises(StaleRegistryError):
            begin_job(self.registry, self.cr, self.admin_id)
