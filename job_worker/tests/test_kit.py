from odoo.tests.common import TransactionCase

from ..delay import chain, group
from ..job import identity_exact
from .common import JobMixin, trap_jobs


class TestKit(JobMixin, TransactionCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.partner, cls.other = cls.env["res.partner"].create([{"name": "Kit"}, {"name": "Other"}])

    def test_jobs_are_counted_in_all_and_by_method(self):
        with trap_jobs() as trap:
            self.partner.with_delay().write({"name": "A"})
            group(self.partner.delayable().write({"name": "B"}), self.other.delayable().read(["name"])).delay()
        self.other.with_delay().read(["name"])
        trap.assert_jobs_count(3)
        trap.assert_jobs_count(2, only=self.partner.write)
        self.assertEqual(trap.jobs_count(only=self.partner.read), 1)
        with self.assertRaisesRegex(AssertionError, r"(?s)Expected 1 jobs, but 3.*res.partner\("):
            trap.assert_jobs_count(1)

    def test_a_job_is_asserted_by_records_method_arguments_and_options(self):
        with self.trap_jobs() as trap:
            self.partner.with_delay(priority=5, eta=3600, identity_key=identity_exact).write(
                {"parent_id": self.other.id}
            )
        options = {"priority": 5, "eta": 3600, "identity_key": identity_exact}
        trap.assert_enqueued_job(self.partner.write, args=({"parent_id": self.other.id},), properties=options)
        trap.assert_enqueued_job(self.partner.write, args=({"parent_id": self.other.id},))
        for method, args, properties in (
            (self.other.write, ({"parent_id": self.other.id},), {}),
            (self.partner.write, ({},), {}),
            (self.partner.read, ({"parent_id": self.other.id},), {}),
            (self.partner.write, ({"parent_id": self.other.id},), {"priority": 6}),
            (self.partner.write, ({"parent_id": self.other.id},), {"eta": 7200}),
            (self.partner.write, ({"parent_id": self.other.id},), {"identity_key": "another"}),
        ):
            with self.subTest(args=args, **properties), self.assertRaisesRegex(AssertionError, "No job for"):
                trap.assert_enqueued_job(method, args=args, properties=properties)

    def test_jobs_are_performed_in_the_order_of_their_graph(self):
        with trap_jobs() as trap:
            steps = [self.partner.delayable().write({"ref": str(number)}) for number in range(3)]
            chain(*steps).on_error(self.partner.delayable().write({"name": "never"})).delay()
            self.other.with_delay().write({"name": "Renamed"})
        trap.perform_enqueued_jobs()
        self.assertEqual(self.partner.ref, "2")
        self.assertEqual((self.partner.name, self.other.name), ("Kit", "Renamed"))
        self.assertEqual(sorted(job.state for job in trap.enqueued_jobs), ["cancelled", *["done"] * 4])

    def test_an_error_of_a_performed_job_is_raised(self):
        job = self.partner.with_delay().write({"no_such_field": 1})
        with self.assertRaises(KeyError):
            self.perform_jobs(job)
        self.assertEqual(job.state, "pending")

    def test_a_job_that_was_in_the_queue_before_is_not_trapped(self):
        self.partner.with_delay(identity_key="once").read(["name"])
        with trap_jobs() as trap:
            self.partner.with_delay(identity_key="once").read(["name"])
        trap.assert_jobs_count(0)

    def test_progress_of_a_performed_job_is_stored_in_the_transaction_of_the_test(self):
        def show_progress(records):
            records.env["queue.job"].current().set_progress(1, 2, "half way")

        self.patch(self.env.registry["res.partner"], "create_company", show_progress)
        job = self.partner.with_delay().create_company()
        self.perform_jobs(job)
        self.assertEqual((job.state, job.progress_message), ("done", "half way"))
