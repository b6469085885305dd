from odoo.exceptions import AccessError
from odoo.tests import HttpCase, new_test_user, tagged
from odoo.tests.common import TransactionCase

from odoo.addons.job_worker.exception import FailedJobError
from odoo.addons.job_worker.tests.common import JobMixin
from odoo.addons.job_worker.tests.tour_case import leave_out_lacking_asset


class TestScenarios(JobMixin, TransactionCase):
    def scenario(self, code):
        return self.env["queue.demo.scenario"].search([("code", "=", code)])

    def run_scenario(self, code):
        scenario = self.scenario(code)
        scenario.action_run()
        return scenario, self.env["queue.job"].search(scenario.action_open_jobs()["domain"], order="id")

    def test_every_scenario_starts_and_shows_the_code_that_it_runs(self):
        for scenario in self.env["queue.demo.scenario"].search([]):
            with self.subTest(scenario.code):
                scenario.action_run()
                self.assertIn("Pending", scenario.counts_text)
                self.assertIn(f"def _scenario_{scenario.code}", scenario.source)
                for job in scenario.job_ids:
                    self.assertIn(f"def {job.method_name}", scenario.source)
                self.assertTrue(scenario.look_for)

    def test_a_bulk_of_a_thousand_is_stored_with_its_tasks(self):
        scenario, jobs = self.run_scenario("bulk")
        self.assertEqual(len(jobs), 1000)
        self.assertEqual(scenario.counts_text, "1000 Pending")
        self.assertEqual(len(jobs.demo_task_id), 1000)

    def test_five_clicks_with_one_identity_key_are_one_job(self):
        _scenario, jobs = self.run_scenario("identity")
        self.assertEqual(len(jobs), 1)

    def test_a_task_follows_the_truth_of_its_job(self):
        scenario, jobs = self.run_scenario("simple")
        task = scenario.task_ids
        self.assertEqual(task.job_state, "pending")
        self.perform_jobs(jobs)
        self.assertEqual((task.job_state, task.note), ("done", "Hello from a worker"))
        _scenario, failing = self.run_scenario("failure")
        with self.assertRaises(FailedJobError):
            self.perform_jobs(failing)
        failing.button_failed()
        self.assertEqual(failing.demo_task_id.job_state, "failed")

    def test_a_run_shows_its_own_jobs_and_not_those_of_the_run_before(self):
        _scenario, first = self.run_scenario("simple")
        _scenario, second = self.run_scenario("simple")
        self.assertEqual((len(first), len(second)), (1, 1))
        self.assertNotEqual(first, second)

    def test_the_barrier_waits_for_all_parts(self):
        _scenario, jobs = self.run_scenario("fan_out")
        self.assertEqual(jobs[-1].wait_reason, "Waits for 40 jobs to be done")
        self.perform_jobs(jobs)
        self.assertEqual(set(jobs.mapped("state")), {"done"})

    def test_all_traces_of_the_demo_can_be_removed_by_a_manager_only(self):
        user = new_test_user(self.env, "queue-user", groups="job_worker.group_queue_job_user")
        for code in ("simple", "fan_out", "scheduled"):
            self.run_scenario(code)
        with self.assertRaises(AccessError):
            self.env["queue.demo.scenario"].with_user(user).action_clean()
        self.env["queue.demo.scenario"].action_clean()
        self.assertFalse(self.env["queue.demo.task"].search([]))
        self.assertFalse(self.env["queue.job"].search([("model_name", "=like", "queue.demo.%")]))
        self.assertTrue(self.env["queue.demo.scenario"].search([]))

    def test_a_user_of_the_queue_may_start_a_scenario_but_not_change_what_it_does(self):
        user = new_test_user(self.env, "queue-user", groups="job_worker.group_queue_job_user")
        scenario = self.scenario("simple").with_user(user)
        scenario.action_run()
        self.assertEqual(scenario.job_ids.user_id, user)
        with self.assertRaises(AccessError):
            scenario.write({"code": "kill"})


@tagged("post_install", "-at_install")
class TestDemoTour(HttpCase):
    def test_a_person_starts_a_scenario_and_sees_its_code_and_its_graph(self):
        leave_out_lacking_asset(self.env)
        manager = new_test_user(
            self.env, "queue-manager", password="queue-manager", groups="job_worker.group_queue_job_manager"
        )
        self.start_tour("/odoo", "queue_demo_scenarios", login=manager.login)
