from lxml import etree

from odoo.tests.common import TransactionCase

from ..exception import JobDecodeError, JobOptionError
from ..job import identity_exact
from ..runtime import payload
from ..runtime.call import job_environment, unpack
from .common import claimed_job


class TestRunning(TransactionCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.partner = cls.env["res.partner"].create({"name": "Running"})

    def test_a_job_knows_itself_while_it_runs(self):
        self.assertFalse(self.env["queue.job"].current())
        job = self.partner.with_delay().read(["name"])
        env = job_environment(self.env.cr, claimed_job(job))
        self.assertEqual(env["queue.job"].current(), job)

    def test_progress_is_stored_beside_the_job(self):
        job = self.partner.with_delay().read(["name"])
        self.env.flush_all()
        self.registry_enter_test_mode()
        job.set_progress(1, 4, "a quarter")
        job.set_progress(2, 4, "too soon after the last")
        self.env.invalidate_all()
        self.assertEqual((job.progress, job.progress_message), (25, "a quarter"))
        job.set_progress(4, 4, "the last step is always written")
        self.env.invalidate_all()
        self.assertEqual(job.progress, 100)
        with self.assertRaises(JobOptionError):
            job.set_progress(5, 4)

    def test_vanished_records_are_named(self):
        gone = self.partner.copy()
        job = claimed_job((self.partner | gone).with_delay().read(["name"]))
        gone.unlink()
        with self.assertRaisesRegex(JobDecodeError, rf"deleted: res.partner\({gone.id}\)"):
            unpack(job_environment(self.env.cr, job), job)

    def test_a_long_result_is_cut_with_a_marker(self):
        text = payload.encode_result("x" * 100_000)
        self.assertLess(len(text), 70_000)
        self.assertIn("cut, 100002 characters", payload.decode(self.env, text))

    def test_a_result_that_can_not_be_stored_is_left_out(self):
        self.assertIsNone(payload.encode_result(object()))
        self.assertIsNone(payload.encode_result(None))

    def test_an_lxml_element_comes_back_without_entities(self):
        element = etree.fromstring("<a x='1'><b>text</b></a>")
        decoded = payload.decode(self.env, payload.encode(element))
        self.assertEqual(etree.tostring(decoded), etree.tostring(element))
        bomb = b"<!DOCTYPE a [<!ENTITY e SYSTEM 'file:///etc/passwd'>]><a>&e;</a>"
        stored = payload.dump({"_type": "xml", "value": payload.to_json(bomb, "x")["value"]})
        self.assertNotIn("root:", etree.tostring(payload.decode(self.env, stored)).decode())

    def test_an_identity_key_gives_the_unfinished_job_back(self):
        job = self.partner.with_delay(identity_key="once").read(["name"])
        again = self.partner.with_delay(identity_key="once").write({})
        self.assertEqual(again, job)
        exact = self.partner.with_delay(identity_key=identity_exact).read(["name"])
        self.assertEqual(self.partner.with_delay(identity_key=identity_exact).read(["name"]), exact)
        self.assertNotEqual(self.partner.with_delay(identity_key=identity_exact).read(["id"]), exact)
        job.button_cancel()
        self.assertNotEqual(self.partner.with_delay(identity_key="once").read(["name"]), job)

    def test_enqueue_many_stores_all_calls_in_order_by_one_statement(self):
        calls = [
            {
                "model_name": "res.partner",
                "method_name": "read",
                "record_ids": self.partner.ids,
                "args": [[str(number)]],
            }
            for number in range(100)
        ]
        self.env["queue.job"].enqueue_many(calls[:1])
        with self.assertQueryCount(1):
            jobs = self.env["queue.job"].enqueue_many([*calls[:-1], {**calls[-1], "priority": 1}], channel="bulk")
        self.assertEqual(len(jobs), 100)
        self.assertEqual(jobs[42].func_string, f"res.partner({self.partner.id}).read(['42'])")
        self.assertEqual(set(jobs.mapped("channel")), {"bulk"})
        self.assertEqual(jobs[-1].priority, 1)
        self.assertFalse(self.env["queue.job"].enqueue_many([]))

    def test_names_of_oca_queue_job_can_be_read_searched_and_grouped_by(self):
        job = self.partner.with_delay(eta=3600).read(["name"])
        self.assertEqual((job.eta, job.date_created, job.retry), (job.scheduled_at, job.create_date, 0))
        self.assertIn(job, self.env["queue.job"].search([("eta", ">", "2000-01-01")]))
        groups = self.env["queue.job"]._read_group([("id", "=", job.id)], ["date_created:month"], ["__count"])
        self.assertEqual(groups[0][1], 1)

    def test_a_running_job_keeps_its_companies_language_and_the_context_that_a_hook_adds(self):
        self.patch(
            self.env.registry["res.partner"],
            "_job_prepare_context_before_enqueue_keys",
            lambda model: ("lang", "tz", "allowed_company_ids", "campaign"),
        )
        companies = self.env.company.ids
        partner = self.partner.with_context(
            lang="en_US", tz="Asia/Tokyo", allowed_company_ids=companies, campaign="spring", secret=1
        )
        env = job_environment(self.env.cr, claimed_job(partner.with_delay().read(["name"])))
        self.assertEqual(env.companies.ids, companies)
        self.assertEqual((env.lang, env.context["campaign"], "secret" in env.context), ("en_US", "spring", False))

    def test_a_hook_adds_values_but_can_not_choose_what_a_job_is(self):
        def hook(values):
            self.patch(self.env.registry["res.partner"], "_job_store_values", lambda records, job: values)
            return self.partner.with_delay().read(["name"])

        self.assertEqual(hook({"priority": 3}).priority, 3)
        for values, name in (({"state": "done"}, "state"), ({"user_id": 1}, "user_id"), ({"nothing": 1}, "nothing")):
            with self.assertRaisesRegex(JobOptionError, name):
                hook(values)
