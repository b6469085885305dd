import gc
from unittest.mock import patch

from ..delay import chain, group
from ..exception import JobGraphError, JobOptionError
from ..job import identity_exact
from .graph_case import GraphCase


class TestDelay(GraphCase):
    def edges(self, jobs):
        """``(parent, child, kind)`` by description."""
        edges = self.graph_of(jobs).dependency_ids
        return sorted((edge.depends_on_id.name, edge.job_id.name, edge.kind) for edge in edges)

    def test_a_single_delayable_is_a_plain_job(self):
        job = self.step("one", priority=3).set(channel="exports").set({"max_retries": 1}).delay()
        self.assertRecordValues(
            job,
            [
                {
                    "name": "one",
                    "priority": 3,
                    "channel": "exports",
                    "max_retries": 1,
                    "state": "pending",
                    "graph_uuid": False,
                }
            ],
        )

    def test_on_done_and_on_error_become_edges_and_their_jobs_wait(self):
        job = self.step("work").on_done(self.step("next")).on_error(self.step("repair")).delay()
        self.assertEqual(job.name, "work", "delay() returns the job itself, not its callbacks")
        jobs = self.graph_of(job)
        self.assertEqual(self.states(jobs), {"work": "pending", "next": "waiting", "repair": "waiting"})
        self.assertEqual(self.edges(job), [("work", "next", "done"), ("work", "repair", "error")])
        self.assertEqual(jobs.filtered(lambda j: j.name == "next").parent_id, job)
        self.assertEqual(sorted(job.child_ids.mapped("name")), ["next", "repair"])

    def test_a_chain_of_groups_is_a_barrier_between_them(self):
        jobs = chain(
            group(self.step("a"), self.step("b")), self.step("middle"), group(self.step("c"), self.step("d"))
        ).delay()
        self.assertEqual(jobs.mapped("name"), ["a", "b", "middle", "c", "d"])
        self.assertEqual(
            self.edges(jobs),
            [
                ("a", "middle", "done"),
                ("b", "middle", "done"),
                ("middle", "c", "done"),
                ("middle", "d", "done"),
            ],
        )

    def test_a_chain_can_be_a_member_of_a_group(self):
        jobs = group(chain(self.step("a"), self.step("b")), self.step("c")).on_done(self.step("end")).delay()
        self.assertEqual(jobs.mapped("name"), ["a", "b", "c"])
        self.assertEqual(self.edges(jobs), [("a", "b", "done"), ("b", "end", "done"), ("c", "end", "done")])

    def test_two_branches_can_share_a_job(self):
        shared = self.step("shared")
        left, right = self.step("left").on_done(shared), self.step("right").on_done(shared)
        jobs = group(left, right).delay()
        self.assertEqual(self.edges(jobs), [("left", "shared", "done"), ("right", "shared", "done")])

    def test_split_makes_one_job_per_part_and_keeps_the_callbacks(self):
        partners = self.env["res.partner"].create([{"name": str(number)} for number in range(5)])
        split = partners.delayable(priority=2).write({"comment": "x"}).on_done(self.step("end")).split(2)
        jobs = split.delay()
        self.assertEqual(jobs.mapped("record_ids"), [partners.ids[:2], partners.ids[2:4], partners.ids[4:]])
        self.assertEqual(set(jobs.mapped("priority")), {2})
        self.assertEqual(len(self.edges(jobs)), 3)
        chained = partners.delayable().write({"comment": "x"}).split(3, chain=True).delay()
        self.assertEqual(chained[1].dependency_ids.depends_on_id, chained[0])

    def test_a_graph_that_can_not_run_is_refused_as_a_whole(self):
        before = self.env["queue.job"].search_count([])
        a, b = self.step("a"), self.step("b")
        a.on_done(b), b.on_done(a)
        other = self.step("other")
        shared = self.step("shared")
        other.on_done(shared)
        other._node_delayed = shared._node_delayed = True  # this test never will
        for reason, node in (
            ("depends on itself", group(a, self.step("c"))),
            ("depends on itself", self.step("x").on_done(chain(a, b))),
            ("is empty", group()),
            ("is empty", self.step("x").on_done(chain())),
            ("no method to call", chain(self.step("x"), self.partner.delayable())),
            ("is also a callback of .*other", None),
        ):
            with self.subTest(reason), self.assertRaisesRegex(JobGraphError, reason):
                (node or self.step("x").on_done(shared)).delay()
        with self.assertRaisesRegex(JobOptionError, r"args\[0\]"):
            chain(self.step("x"), self.partner.delayable().write(object())).delay()
        self.assertEqual(self.env["queue.job"].search_count([]), before)

    def test_a_job_can_be_part_of_one_graph_only(self):
        callback = self.step("callback")
        self.step("first").on_done(callback).delay()
        with self.assertRaisesRegex(JobGraphError, "callback.*first|delayed before"):
            self.step("second").on_done(callback).delay()
        again = self.step("again")
        again.delay()
        with self.assertRaisesRegex(JobGraphError, "delayed before"):
            again.delay()

    def test_two_jobs_of_a_graph_with_one_identity_key_are_refused(self):
        partners = self.env["res.partner"].create([{"name": "1"}, {"name": "2"}])
        with self.assertRaisesRegex(JobGraphError, "2 jobs.*'same'.*identity_exact"):
            partners.delayable(identity_key="same").write({}).split(1).delay()
        jobs = partners.delayable(identity_key=identity_exact).write({}).split(1).delay()
        self.assertEqual(len(jobs), 2)

    def test_methods_with_names_like_those_of_a_graph_can_be_called(self):
        model = self.env.registry["res.partner"]
        for name in ("_check", "_spec", "_links", "_env", "_part"):
            setattr(model, name, lambda records: None)
            self.addCleanup(delattr, model, name)
            job = getattr(self.partner.delayable(), name)().delay()
            self.assertEqual(job.method_name, name)

    def test_what_is_no_node_is_refused_where_it_is_given(self):
        step = self.step("x")
        for build in (lambda: group(1), lambda: chain("x"), lambda: step.on_done(self.partner)):
            with self.assertRaisesRegex(JobGraphError, "must be a delayable"):
                build()
        with self.assertRaisesRegex(JobGraphError, "at least 1"):
            step.split(0)
        step.delay()

    def test_a_forgotten_delay_warns(self):
        with self.assertLogs("odoo.addons.job_worker.delay", "WARNING") as logs:
            self.step("forgotten")
            gc.collect()
        self.assertIn("never delayed", logs.output[0])

    def test_a_graph_takes_a_constant_number_of_statements(self):
        def delay(size):
            graph = group(*[self.step(f"member {number}") for number in range(size)]).on_done(self.step("end"))
            with self.subTest(size), self.assertQueryCount(2):
                graph.delay()

        self.step("warm").delay()
        delay(10)
        delay(500)

    def test_a_long_chain_is_stored_without_recursion(self):
        jobs = chain(*[self.step(str(number)) for number in range(2000)]).delay()
        self.assertEqual(len(jobs), 2000)
        self.assertEqual(jobs[-1].dependency_ids.depends_on_id, jobs[-2])

    def test_without_delay_the_calls_are_made_at_once_and_in_order(self):
        partner = self.partner.with_context(queue_job__no_delay=True)
        order = []

        def step(name):
            return partner.delayable().write({"comment": name})

        self.patch(type(partner), "write", lambda records, vals: order.append(vals["comment"]))
        graph = chain(step("1"), group(step("2"), step("3")).on_error(step("never"))).on_done(step("4"))
        self.assertFalse(graph.delay())
        self.assertEqual(order, ["1", "2", "3", "4"])
        self.assertFalse(partner.with_delay().write({"comment": "5"}))
        self.assertEqual(order[-1], "5")
        self.assertFalse(self.env["queue.job"].search([("method_name", "=", "write")]))

    def test_without_delay_an_error_is_raised(self):
        with self.assertRaises(KeyError):
            self.partner.with_context(queue_job__no_delay=True).with_delay().write({"no_such_field": 1})

    def test_an_environment_variable_does_the_same_for_a_whole_process(self):
        with patch.dict("os.environ", QUEUE_JOB__NO_DELAY="1"):
            self.assertFalse(self.partner.with_delay().write({"ref": "at once"}))
        self.assertEqual(self.partner.ref, "at once")
        with patch.dict("os.environ", QUEUE_JOB__NO_DELAY="0"):
            self.assertTrue(self.partner.with_delay().write({"ref": "later"}))
        self.assertEqual(self.partner.ref, "at once")
