from odoo.tests import tagged

from .common import WorkerCase

COUNT = 120


@tagged("post_install", "-at_install")
class TestBatch(WorkerCase):
    """Several short jobs in one transaction, each with a fate of its own."""

    def run_jobs(self, fates, *options):
        """Run a job for each of ``fates`` in batches; return ``{name: (state, exc_name)}``."""
        with self.committed() as env:
            calls = [
                {"model_name": "queue.test.ledger", "method_name": "act", "args": [f"job {number}", fate]}
                for number, fate in enumerate(fates)
            ]
            env["queue.job"].enqueue_many(calls, batch_size=50, max_retries=1, retry_pattern={1: 3600})
        worker = self.start_worker("--concurrency", "1", *options)
        unsettled = "SELECT count(*) FROM queue_job WHERE attempts = 0"
        self.wait_until(lambda: self.query(unsettled) == [(0,)], "each job has had its attempt")
        return worker

    def count(self, condition):
        return self.query(f"SELECT count(*) FROM queue_job WHERE {condition}")[0][0]

    def test_jobs_of_a_batch_share_a_commit(self):
        self.run_jobs(["done"] * COUNT)
        self.assertEqual(self.count("state = 'done' AND attempts = 1"), COUNT)
        self.assertEqual(self.query("SELECT count(*) FROM queue_test_ledger"), [(COUNT,)])
        self.assertEqual(self.count("completed_at > started_at"), COUNT, "Each job has its own times")
        self.assertGreater(self.largest_transaction(), 1)

    def largest_transaction(self):
        """How many jobs the transaction that ran the most of them ran."""
        rows = self.query("SELECT count(*) FROM queue_test_ledger GROUP BY transaction ORDER BY 1 DESC LIMIT 1")
        return rows[0][0]

    def test_a_failing_job_costs_only_itself(self):
        fates = ["fail" if number % 10 == 3 else "done" for number in range(COUNT)]
        self.run_jobs(fates)
        failed = fates.count("fail")
        self.assertEqual((self.count("state = 'failed'"), self.count("state = 'done'")), (failed, COUNT - failed))
        self.assertEqual(self.query("SELECT count(*) FROM queue_test_ledger"), [(COUNT - failed,)])
        self.assertEqual(self.query("SELECT count(*) FROM queue_job_attempt"), [(failed,)])

    def test_a_job_that_kills_its_process_is_charged_and_its_batch_is_not(self):
        fates = ["done"] * COUNT
        fates[COUNT // 2] = "kill"
        self.run_jobs(fates)
        self.assertEqual(self.count("exc_name = 'ExecutorDied'"), 1)
        killer = "SELECT exc_name FROM queue_job WHERE payload LIKE '%%\"kill\"%%'"
        self.assertEqual(self.query(killer), [("ExecutorDied",)])
        self.assertEqual(self.count("state = 'done' AND attempts = 1 AND COALESCE(crashes, 0) = 0"), COUNT - 1)
        self.assertEqual(self.query("SELECT count(*) FROM queue_test_ledger"), [(COUNT - 1,)])

    def test_jobs_run_one_by_one_when_the_commit_of_their_batch_is_refused(self):
        self.query("ALTER TABLE queue_test_ledger ADD CONSTRAINT jw_refuse UNIQUE (pid) DEFERRABLE INITIALLY DEFERRED")
        self.addCleanup(self.query, "ALTER TABLE queue_test_ledger DROP CONSTRAINT jw_refuse")
        worker = self.run_jobs(["done"] * 40)
        self.assertEqual(self.count("state = 'done'"), 1, "The first of this process; no other can be committed")
        self.assertEqual(self.count("exc_name LIKE '%%UniqueViolation%%'"), 39)
        self.assertIsNone(worker.poll())

    def test_a_job_without_the_option_runs_alone(self):
        self.insert_jobs("queue.test.ledger", "act", [[f"job {number}"] for number in range(30)])
        self.start_worker("--concurrency", "1")
        self.wait_until(lambda: self.count("state = 'done'") == 30, "all are done")
        self.assertEqual(self.largest_transaction(), 1)


@tagged("post_install", "-at_install")
class TestLine(WorkerCase):
    """Quick jobs that one executor runs one after the other, each in its own transaction."""

    def count_done(self):
        return self.query("SELECT count(*) FROM queue_job WHERE state = 'done'")[0][0]

    def act(self, *calls):
        self.insert_jobs("queue.test.ledger", "act", calls)

    def test_jobs_that_stand_in_line_behind_a_long_one_run_elsewhere(self):
        self.act(*[[f"warm {number}"] for number in range(COUNT)])
        self.act(["long", "sleep", 3600], *[[f"quick {number}"] for number in range(COUNT)])
        self.start_worker()
        self.wait_until(lambda: self.count_done() == 2 * COUNT, "all the others are done")
        running = "SELECT count(*), max(attempts) FROM queue_job WHERE state = 'started'"
        self.assertEqual(self.query(running), [(1, 0)], "The long one")

    def test_quick_jobs_stand_in_lines_and_each_has_a_transaction(self):
        self.act(*[[f"job {number}"] for number in range(4 * COUNT)])
        self.start_worker()
        self.wait_until(lambda: self.count_done() == 4 * COUNT, "all are done")
        self.assertEqual(self.query("SELECT count(DISTINCT transaction) FROM queue_test_ledger"), [(4 * COUNT,)])
        lines = "SELECT max(count) FROM (SELECT count(*) FROM queue_job GROUP BY line_token) lines"
        self.assertGreater(self.query(lines)[0][0], 1)

    def test_a_job_that_fails_kills_its_process_or_sets_something_costs_its_line_nothing(self):
        fates = ["done", "error", "done", "set", "done", "kill", "done", "touched"]
        self.act(*[[f"warm {number}"] for number in range(COUNT)])
        self.act(*[[f"job {number}", fates[number % len(fates)]] for number in range(COUNT)])
        self.start_worker("--concurrency", "1")
        waiting = "SELECT count(*) FROM queue_job WHERE attempts = 0 AND state IN ('pending', 'started')"
        self.wait_until(lambda: self.query(waiting) == [(0,)], "each has had its attempt")
        innocent = "SELECT count(*) FROM queue_job WHERE state = 'done' AND attempts = 1 AND COALESCE(crashes, 0) = 0"
        self.assertEqual(self.query(innocent), [(COUNT + COUNT * 6 // 8,)])
        self.assertEqual(self.query("SELECT count(*) FROM queue_test_ledger"), [(COUNT + COUNT * 6 // 8,)])
