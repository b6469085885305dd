from odoo.tests.common import BaseCase, new_test_user

from ..delay import chain, group
from ..models.queue_job_picture import COLLAPSE_FROM, collapse
from .graph_case import GraphCase


class TestCollapse(BaseCase):
    """The rule by itself: ids, labels and edges, no database."""

    def sizes(self, groups):
        return [len(ids) for _key, _layer, ids in groups]

    def fan(self, width):
        """1 -> 2 ... width + 1 -> last"""
        middle, last = range(2, width + 2), width + 2
        edges = [(1, id_, "done") for id_ in middle] + [(id_, last, "done") for id_ in middle]
        return dict.fromkeys(range(1, last + 1), "f"), edges

    def test_equal_siblings_become_one_node(self):
        self.assertEqual(self.sizes(collapse(*self.fan(1000))), [1, 1000, 1])

    def test_a_few_siblings_stay_apart(self):
        self.assertEqual(self.sizes(collapse(*self.fan(COLLAPSE_FROM - 1))), [1] * (COLLAPSE_FROM + 1))

    def test_parallel_chains_collapse_step_by_step(self):
        edges = [(id_, id_ + 100, "done") for id_ in range(1, 101)]
        groups = collapse(dict.fromkeys(range(1, 201), "f"), edges)
        self.assertEqual([(layer, len(ids)) for _key, layer, ids in groups], [(0, 100), (1, 100)])

    def test_what_has_another_follower_is_not_hidden_in_the_crowd(self):
        labels, edges = self.fan(50)
        labels[99] = "f"
        groups = collapse(labels, [*edges, (7, 99, "error")])
        self.assertEqual(self.sizes(groups).count(49), 1)
        self.assertIn([7], [ids for _key, _layer, ids in groups])

    def test_an_opened_group_shows_its_jobs(self):
        labels, edges = self.fan(50)
        (key,) = [key for key, _layer, ids in collapse(labels, edges) if len(ids) == 50]
        self.assertEqual(self.sizes(collapse(labels, edges, {key})), [1] * 52)

    def test_an_opened_group_of_thousands_shows_some_and_the_rest_together(self):
        labels, edges = self.fan(1000)
        sizes = self.sizes(collapse(labels, edges, {"g2"}))
        self.assertEqual((sizes.count(1), max(sizes), sum(sizes)), (202, 800, 1002))

    def test_a_layer_comes_after_all_that_it_waits_for(self):
        edges = [(1, 2, "done"), (2, 3, "done"), (1, 3, "done")]
        groups = collapse(dict.fromkeys((1, 2, 3), "f"), edges)
        self.assertEqual([(layer, ids) for _key, layer, ids in groups], [(0, [1]), (1, [2]), (2, [3])])


class TestPicture(GraphCase):
    def test_the_picture_of_a_wide_graph_is_small_and_counts_states(self):
        job = chain(self.step("first"), group(*[self.step(f"part {i}") for i in range(30)]), self.step("last")).delay()
        jobs = self.graph_of(job)
        self.end(jobs.filtered(lambda job: job.name == "first"), "done")
        self.end(jobs.filtered(lambda job: job.name == "part 3"), "failed")
        picture = jobs[0].graph_picture()
        self.assertEqual([node["count"] for node in picture["nodes"]], [1, 30, 1])
        self.assertEqual(picture["nodes"][1]["states"], {"pending": 29, "failed": 1})
        self.assertEqual(len(picture["edges"]), 2)
        self.assertEqual(picture["total"], 32)

    def test_the_job_that_is_looked_at_stands_apart(self):
        job = group(*[self.step(f"part {i}") for i in range(20)]).delay()
        jobs = self.graph_of(job)
        picture = jobs[5].graph_picture()
        self.assertEqual(sorted(node["count"] for node in picture["nodes"]), [1, 19])

    def test_a_single_job_is_a_graph_of_one(self):
        job = self.step("alone").delay()
        self.assertEqual([node["id"] for node in job.graph_picture()["nodes"]], [job.id])

    def test_a_user_sees_only_what_is_theirs_of_a_graph(self):
        user = new_test_user(self.env, "queue-user", groups="job_worker.group_queue_job_user")
        job = self.step("other").on_done(self.step("own")).delay()
        jobs = self.graph_of(job)
        own = jobs.filtered(lambda job: job.name == "own")
        self.env.flush_all()
        self.env.cr.execute("UPDATE queue_job SET user_id = %s WHERE id = %s", [user.id, own.id])
        self.env.invalidate_all()
        nodes = own.with_user(user).sudo(False).graph_picture()["nodes"]
        self.assertEqual([node["name"] for node in nodes], ["own"])
