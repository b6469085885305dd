from odoo.tests.common import BaseCase

from ..engine.watch import ModuleWatch, View


class TestWatch(BaseCase):
    def view(self, sequence=1, modules=()):
        return View(sequence, tuple(modules), False, False)

    def test_it_pauses_while_modules_change_and_until_the_models_are_known_to_be_new(self):
        watch = ModuleWatch(1)
        watch.update(self.view())
        self.assertEqual((watch.reason, watch.stale), ("", False))
        watch.update(self.view(modules=["sale"]))
        self.assertIn("sale", watch.reason)
        watch.update(self.view())
        self.assertIn("just been changed", watch.reason)
        self.assertFalse(watch.stale)
        watch.update(self.view(sequence=2))
        self.assertTrue(watch.stale)

    def test_a_change_that_was_given_up_ends_the_pause_after_a_while(self):
        watch = ModuleWatch(1)
        watch.update(self.view(modules=["sale"]))
        watch._settling_until = 0.0
        watch.update(self.view())
        self.assertEqual((watch.reason, watch.stale), ("", False))

    def test_a_long_list_of_modules_is_abridged(self):
        watch = ModuleWatch(1)
        watch.update(self.view(modules=[f"module_{number}" for number in range(12)]))
        self.assertIn("module_4 and 7 more", watch.reason)
