import os
import signal

from odoo.tests import tagged

from .database_case import ADDON, DatabaseCase


@tagged("post_install", "-at_install")
class TestSeveralDatabases(DatabaseCase):
    """One worker, several databases, and modules that change under it."""

    def enqueue_in(self, db_name, names, method="act"):
        self.use(db_name)
        self.insert_jobs("queue.test.ledger", method, [[name] for name in names])

    def wait_for_ledger(self, db_name, count):
        ledger = "SELECT count(*) FROM queue_test_ledger"
        self.wait_until(lambda: self.query_in(db_name, ledger) == [(count,)], f"{count} jobs are done in {db_name}")

    def start_on(self, *databases, options=()):
        self.use(databases[0])
        return self.start_worker("--discovery-interval-seconds", "0.5", *options, databases=list(databases))

    def test_a_worker_serves_two_databases_and_goes_on_when_one_is_dropped_and_comes_back(self):
        one, two = self.create_database("one"), self.create_database("two")
        for name in (one, two):
            self.enqueue_in(name, ["first"])
        worker = self.start_on(one, two)
        for name in (one, two):
            self.wait_for_ledger(name, 1)
        # As Odoo drops databases: end the sessions, then drop, without force.
        end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s"
        self.query_in("postgres", end, two)
        self.administer(f'DROP DATABASE "{two}"')
        self.wait_until(lambda: f"Database {two} is gone" in worker.log.read_text(), "it is noticed")
        self.enqueue_in(one, ["second"])
        self.wait_for_ledger(one, 2)
        self.wait_until(lambda: len(worker.children()) == 1, "the process of the other one has ended")

        self.create_database("two")
        self.enqueue_in(two, ["again"])
        self.wait_for_ledger(two, 1)
        self.assertIsNone(worker.poll())

    def test_a_supervisor_that_dies_is_replaced_and_its_neighbour_never_notices(self):
        one, two = self.create_database("one"), self.create_database("two")
        worker = self.start_on(one, two)
        rows = {
            name: self.wait_until(lambda n=name: self.query_in(n, "SELECT pid FROM queue_worker"), name)
            for name in (one, two)
        }
        os.kill(rows[two][0][0], signal.SIGKILL)
        self.enqueue_in(two, ["after"])
        self.wait_for_ledger(two, 1)
        self.assertEqual(self.query_in(one, "SELECT pid FROM queue_worker"), rows[one])
        self.assertIn("started again in", worker.log.read_text())

    def test_a_database_that_is_missing_at_the_start_is_served_once_it_is_there(self):
        one = self.create_database("one")
        missing = f"{self.template.removesuffix('_template')}_late"
        worker = self.start_on(one, missing)
        self.assertIn(f"can't connect to database '{missing}'", worker.log.read_text())
        self.create_database("late")
        self.enqueue_in(missing, ["late"])
        self.wait_for_ledger(missing, 1)

    def test_a_new_method_of_an_upgraded_module_runs_without_a_restart_and_no_job_fails_meanwhile(self):
        self.write_addon({})
        one = self.create_database("upgraded")
        self.use(one)
        worker = self.start_on(one)
        self.insert_jobs("queue.test.ledger", "act", [[f"load {number}", "sleep", 0.02] for number in range(1500)])
        # Enqueued by a web server that has the new code already.
        self.enqueue_in(one, ["early"], "act_new")
        self.write_addon({"act_new": 'self.create({"name": name, "note": "new"})'}, version="1.1")
        ended = self.run_program(
            "-m", "odoo", "server", "-c", self.conf, "-d", one, "-u", ADDON, "--no-http", "--stop-after-init"
        )
        self.assertEqual(ended.returncode, 0, ended.stderr)
        self.assertEqual(self.query("SELECT count(*) > 0 FROM queue_job WHERE state = 'pending'"), [(True,)], "Load")
        self.enqueue_in(one, ["late"], "act_new")
        self.wait_for_ledger(one, 1502)
        self.assertEqual(
            self.query("SELECT name FROM queue_test_ledger WHERE note = 'new' ORDER BY 1"), [("early",), ("late",)]
        )
        self.assertEqual(self.query("SELECT state, max(attempts) FROM queue_job GROUP BY state"), [("done", 1)])
        self.assertIsNone(worker.poll())
        log = worker.log.read_text()
        self.assertIn("gets a new process", log)

    def test_nothing_is_claimed_while_modules_change_state(self):
        one = self.create_database("changing")
        self.use(one)
        worker = self.start_on(one)
        state = "UPDATE ir_module_module SET state = %s WHERE name = %s"
        self.query(state, "to upgrade", ADDON)
        self.wait_until(lambda: "Paused: modules are being changed" in worker.log.read_text(), "it says why it pauses")
        self.enqueue_in(one, ["held"])
        self.wait_until(lambda: "paused" in self.query("SELECT status FROM queue_worker")[0][0], "the status shows it")
        self.assertEqual(self.query("SELECT state FROM queue_job"), [("pending",)])
        self.query(state, "installed", ADDON)
        self.query("INSERT INTO orm_signaling_registry DEFAULT VALUES")
        self.wait_for_ledger(one, 1)

    def test_a_job_whose_code_never_comes_fails_after_its_patience_and_says_so(self):
        one = self.create_database("patience")
        self.use(one)
        self.insert_jobs("queue.test.ledger", "act_never", [["never"]])
        self.start_on(one, options=("--missing-code-seconds", "0"))
        self.wait_until(lambda: self.query("SELECT missing_since FROM queue_job") != [(None,)], "it waits")
        self.assertEqual(self.query("SELECT state, attempts FROM queue_job"), [("pending", 0)])
        self.query("UPDATE queue_job SET scheduled = FALSE")  # it would look again after ten seconds
        self.query("NOTIFY queue_job_wake_up")
        self.wait_until(lambda: self.query("SELECT state FROM queue_job") == [("failed",)], "it has failed")
        self.assertIn("has no method 'act_never'", self.query("SELECT exc_message FROM queue_job")[0][0])

    def test_a_database_with_another_version_of_job_worker_waits_for_its_upgrade(self):
        one, two = self.create_database("one"), self.create_database("two")
        version = "UPDATE ir_module_module SET latest_version = %s WHERE name = 'job_worker' RETURNING latest_version"
        current = self.query_in(two, "SELECT latest_version FROM ir_module_module WHERE name = 'job_worker'")[0][0]
        self.query_in(two, version, "19.0.0.1.0")
        worker = self.start_on(one, two)
        self.assertIn(f"database '{two}' has job_worker 19.0.0.1.0, but this worker is", worker.log.read_text())
        self.assertEqual(self.query_in(two, "SELECT id FROM queue_worker"), [])
        self.query_in(two, version, current)
        self.enqueue_in(two, ["upgraded"])
        self.wait_for_ledger(two, 1)
