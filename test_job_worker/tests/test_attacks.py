import inspect
import json
from unittest.mock import patch

from odoo import api
from odoo.tests import tagged

from . import attacks
from .attack_scene import AttackCase, has_found
from .attacks import BUTTONS, FORGED, SECRET, Attack, job

EVERYBODY = ("portal", "internal", "user", "foreign user", "manager", "foreign manager")
NO_MANAGERS = EVERYBODY[:4]
STRANGERS = (*NO_MANAGERS, "foreign manager")
# All that job_worker adds to what RPC can call; whoever adds to it adds its attacks too.
PUBLIC_METHODS = {
    *(("queue.job", name) for name in BUTTONS),
    ("queue.job", "action_open_attempts"),
    ("queue.job", "action_open_function"),
    ("queue.job", "action_open_graph"),
    ("queue.job", "action_open_related"),
    ("queue.job", "graph_picture"),
    ("queue.job", "live_watch"),
    ("queue.job.bulk", "action_apply"),
    ("queue.job.function", "action_open_jobs"),
    ("queue.limit", "action_open_jobs"),
    ("queue.limit", "button_pause"),
    ("queue.limit", "button_resume"),
    ("queue.limit", "pause"),
    ("queue.limit", "resume"),
    ("queue.worker", "action_open_jobs"),
}


@tagged("post_install", "-at_install")
class TestAttacks(AttackCase):
    """What people can't do to the queue, tried over real HTTP by each transport."""

    def test_nobody_forges_changes_or_deletes_a_job(self):
        self.assert_all_refused(attacks.forgeries, attacks.side_doors, roles=EVERYBODY)

    def test_nobody_imports_a_job(self):
        for door, attacker, attack in self.each_attack(attacks.imports, roles=EVERYBODY):
            with self.playing(door, attacker, attack):
                answer, untouched = self.play(door, attacker, attack)
                self.assertTrue(untouched)
                if not answer.error:
                    self.assertFalse(answer.value["ids"])
                    self.assertIn("You are not allowed", str(answer.value["messages"]))

    def test_only_managers_configure_the_queue_and_see_its_workers(self):
        self.assert_all_refused(attacks.settings, roles=NO_MANAGERS)

    def test_only_the_buttons_can_be_called(self):
        ours = [name for name, model in self.registry.items() if model._original_module == "job_worker"]
        models = {name: name for name in (*ours, "res.config.settings")} | {"base": "res.partner"}
        methods = [(models[model], name) for model in models for name in self.added_methods(model)]
        self.assertIn(("queue.job", "enqueue"), methods)
        self.assertIn(("res.partner", "with_delay"), methods)
        private = [Attack(model, name, []) for model, name in methods if (model, name) not in PUBLIC_METHODS]
        self.assertEqual(len(methods) - len(private), len(PUBLIC_METHODS))
        private += [job(name, []) for name in attacks.INTERNALS]
        self.assert_all_refused(lambda attacker: private, roles=["manager"])

    def added_methods(self, model_name):
        """The methods that job_worker brings to a model and that no other class of it has."""
        base = self.registry["base"].mro()
        own, others = set(), set()
        for cls in self.registry[model_name].mro():
            ours = cls.__module__.startswith("odoo.addons.job_worker.")
            if ours and cls in base and model_name != "base":
                continue
            (own if ours else others).update(name for name, value in vars(cls).items() if inspect.isfunction(value))
        return sorted(name for name in own - others if not name.startswith("__"))

    def test_a_job_is_read_by_its_user_and_its_manager_only(self):
        self.assert_all_refused(attacks.readings, roles=STRANGERS)
        self.assert_all_answered(attacks.readings, roles=["manager"])

    def test_arguments_can_not_be_guessed(self):
        self.assert_all_refused(attacks.inferences, roles=NO_MANAGERS)
        self.assert_all_answered(attacks.inferences, roles=["manager"])
        self.assert_all_refused(attacks.unsearchable, roles=EVERYBODY)

    def test_searches_find_nothing_of_others(self):
        for door, attacker, attack in self.each_attack(attacks.searches, roles=STRANGERS):
            with self.playing(door, attacker, attack):
                answer, untouched = self.play(door, attacker, attack)
                self.assertTrue(untouched)
                self.assertIn(answer.error, ("", "AccessError"))
                self.assertFalse(has_found(answer.value), answer.value)
        self.assert_all_answered(attacks.searches, roles=["manager"])

    def test_files_show_nothing_of_others(self):
        for role in STRANGERS:
            for name in ("payload", "result", "exc_info"):
                with self.subTest(role=role, field=name):
                    self.open_session(self.attackers[role].user)
                    response = self.url_open(f"/web/content/queue.job/{self.victim.id}/{name}")
                    self.assertIn(response.status_code, (403, 404))
                    self.assertNotIn(SECRET, response.text)

    def test_buttons_refuse_the_jobs_of_others_and_own_ones_beside_them(self):
        self.assert_all_refused(attacks.pressings, roles=STRANGERS)

    def test_a_related_action_reaches_no_further_than_its_presser(self):
        roles = ("user", "manager")
        presses = {role: [] for role in roles}
        for func_name, kwargs in attacks.RELATED_ACTIONS:
            method = f"opens_{func_name}"
            self.function.copy({"method": method, "related_action": {"func_name": func_name, "kwargs": kwargs}})
            for role in roles:
                own = self.make_job(self.attackers[role].user)
                own.method_name = method
                presses[role].append(job("action_open_related", own.ids))
        self.assert_all_refused(lambda attacker: presses[attacker.role], roles=roles)

    def test_a_user_reads_and_cancels_an_own_job_and_a_manager_every_job(self):
        for door in self.each_door():
            for role, readable in (("user", "func_string"), ("manager", "payload")):
                with self.subTest(door=door, role=role):
                    user = self.attackers[role].user
                    own = self.make_job(user if role == "user" else self.mate)
                    (values,) = self.call(door, user, "queue.job", "read", own.ids, fields=[readable, "state"]).value
                    self.assertIn(SECRET, values[readable])
                    self.assertEqual(values["state"], "pending")
                    action = self.call(door, user, "queue.job", "button_cancel", own.ids).value
                    self.assertEqual(action["params"]["message"], "1 jobs cancelled")
                    own.invalidate_recordset()
                    self.assertEqual(own.state, "cancelled")

    def test_the_buttons_of_a_graph_act_on_own_jobs_of_it_only(self):
        for door in self.each_door():
            for role in ("user", "foreign user"):
                attacker = self.attackers[role]
                for button, state in (("button_cancel_graph", "cancelled"), ("button_requeue_graph", "waiting")):
                    with self.subTest(door=door, role=role, button=button):
                        before = self.states()
                        self.assertFalse(self.call(door, attacker.user, "queue.job", button, [attacker.child]).error)
                        self.assertEqual(self.states(), {**before, attacker.child: state})

    def test_a_bulk_operation_reaches_own_jobs_only(self):
        values = {"scope": "filter", "operation": "cancel", "domain": "[]"}
        for door in self.each_door():
            for role in NO_MANAGERS:
                with self.subTest(door=door, role=role):
                    user = self.attackers[role].user
                    before = self.states()
                    made = self.call(door, user, "queue.job.bulk", "web_save", [], vals=values, specification={})
                    if not made.error:
                        self.call(door, user, "queue.job.bulk", "action_apply", [made.value[0]["id"]])
                    changed = [id_ for id_, state in self.states().items() if state != before.get(id_)]
                    self.assertLessEqual(self.Job.browse(changed).user_id, user)
                    self.assertEqual(bool(made.error), role in ("portal", "internal"))

    def states(self):
        self.Job.invalidate_model()
        return {job.id: job.state for job in self.Job.search([])}

    def test_a_forged_context_gives_no_other_identity(self):
        defaults = {"default_user_id": 1, "default_state": "done", "default_payload": FORGED}
        forged = {"uid": 1, "su": True, **defaults}
        with self.public_method(lambda model: model.with_delay().act("forged").id):
            for door in self.each_door():
                for role in EVERYBODY:
                    with self.subTest(door=door, role=role):
                        user = self.attackers[role].user
                        answer = self.call(door, user, "queue.test.ledger", "called", context=forged)
                        stored = self.Job.browse(answer.value)
                        self.assertEqual((stored.user_id, stored.state), (user, "pending"))
                        self.assertFalse(json.loads(stored.payload)["su"])
                        self.assertEqual(stored.company_id, user.company_id)

    def test_a_forged_company_is_refused(self):
        with self.public_method(lambda model: model.with_delay().act("forged").id):
            for door, attacker, attack in self.each_attack(self.calls, roles=EVERYBODY):
                with self.playing(door, attacker, attack):
                    companies = self.env["res.company"].search([]) - attacker.user.company_ids
                    context = {"allowed_company_ids": companies.ids}
                    answer, untouched = self.play(door, attacker, attack, context=context)
                    self.assertEqual((answer.error, untouched), ("AccessError", True))

    def test_who_forges_the_uuid_of_a_job_is_not_in_that_job(self):
        with self.public_method(lambda model: model.env["queue.job"].current().ids):
            for door, attacker, attack in self.each_attack(self.calls, roles=EVERYBODY):
                for job_id in (attacker.own, attacker.victim):
                    with self.playing(door, attacker, attack):
                        context = {"job_uuid": self.Job.browse(job_id).uuid}
                        self.assertEqual(self.play(door, attacker, attack, context=context)[0].value, [])

    def test_a_call_that_is_forced_to_run_at_once_has_the_rights_of_its_caller(self):
        with self.public_method(lambda model: model.with_delay().act("forged").ids):
            for door, attacker, attack in self.each_attack(self.calls, roles=["portal"]):
                with self.playing(door, attacker, attack):
                    answer, untouched = self.play(door, attacker, attack, context={"queue_job__no_delay": True})
                    self.assertEqual((answer.error, untouched), ("AccessError", True))

    def calls(self, attacker):
        return [Attack("queue.test.ledger", "called")]

    def public_method(self, function):
        """For a block, a method of an addon that anybody may call, and that uses the queue."""
        return patch.object(self.registry["queue.test.ledger"], "called", api.model(function), create=True)
