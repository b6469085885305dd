"""Invariants, on data that nobody chose; they need the library hypothesis."""

from datetime import date, datetime, timedelta, timezone
from unittest import skipUnless

from odoo.tests import tagged

from ..delay import group
from ..runtime import payload
from .graph_case import GraphCase

try:
    from hypothesis import HealthCheck, given, settings, strategies as st
except ImportError:
    st = None


def values():
    """Anything that a payload can hold, nested; of floats not NaN, which equals nothing."""
    zones = st.integers(-1439, 1439).map(lambda minutes: timezone(timedelta(minutes=minutes)))
    hashable = st.one_of(
        st.none(),
        st.booleans(),
        st.integers(),
        st.floats(allow_nan=False),
        st.text(),
        st.binary(),
        st.dates(),
        st.datetimes(),
        st.datetimes(timezones=zones),
        st.decimals(allow_nan=False),
    )
    return st.recursive(
        hashable,
        lambda inner: st.one_of(
            st.lists(inner),
            st.lists(inner).map(tuple),
            st.sets(hashable),
            st.frozensets(hashable),
            st.dictionaries(hashable, inner),
            st.dictionaries(st.sampled_from(["_type", "items", "value", "a"]), inner),
        ),
        max_leaves=20,
    )


def same(first, second):
    """Equal, and of the same types all the way down: 1, 1.0 and True are not the same."""
    if type(first) is not type(second) or first != second:
        return False
    if isinstance(first, datetime):
        return first.utcoffset() == second.utcoffset()
    if isinstance(first, dict):
        pairs = zip(first.items(), second.items(), strict=True)
        return all(same(*keys) and same(*items) for keys, items in (zip(*pair, strict=True) for pair in pairs))
    if isinstance(first, (list, tuple)):
        return all(map(same, first, second))
    return True


@tagged("post_install", "-at_install")
@skipUnless(st, "hypothesis is not installed")
class TestProperties(GraphCase):
    def test_every_value_comes_back_as_it_went_in(self):
        @settings(max_examples=300, deadline=None, database=None, derandomize=True)
        @given(values())
        def check(value):
            decoded = payload.decode(self.env, payload.encode(value))
            self.assertTrue(same(decoded, value), f"{value!r} came back as {decoded!r}")

        check()
        self.assertFalse(same(date(2030, 1, 1), datetime(2030, 1, 1)))

    def test_every_graph_ends_as_its_rules_say(self):
        """Random graphs with random fates: the database agrees with a plain model of the rules.

        It also shows that nothing is run twice, before its time, or left waiting.
        """

        @settings(
            max_examples=60, deadline=None, database=None, derandomize=True, suppress_health_check=list(HealthCheck)
        )
        @given(st.data())
        def check(data):
            size = data.draw(st.integers(2, 9))
            edges = [
                (parent, child, data.draw(st.sampled_from(["done", "error"])))
                for child in range(1, size)
                for parent in range(child)
                if data.draw(st.integers(0, 2)) == 0
            ]
            fates = data.draw(
                st.lists(st.sampled_from(["done", "done", "failed", "cancelled"]), min_size=size, max_size=size)
            )
            order = data.draw(st.randoms(use_true_random=False))
            with self.env.cr.savepoint():
                self.check_graph(size, edges, fates, order)

        check()

    def check_graph(self, size, edges, fates, order):
        steps = [self.step(str(number)) for number in range(size)]
        for parent, child, kind in edges:
            (steps[parent].on_done if kind == "done" else steps[parent].on_error)(steps[child])
        jobs = group(*steps).delay()
        runs = []
        while ready := jobs.filtered(lambda job: job.state == "pending"):
            job = order.choice(ready)
            runs.append(job.name)
            self.end(job, fates[int(job.name)])
        self.assertEqual(len(runs), len(set(runs)), "Nothing runs twice")
        found = {int(name): state for name, state in self.states(jobs).items()}
        for job in range(size):
            self.assertIn(found[job], allowed_states(job, edges, fates, found), f"job {job} of {edges} with {fates}")


def allowed_states(job, edges, fates, ended):
    """The states that ``job`` may end in by the rules alone, given how the jobs before it ended."""
    after = [ended[parent] for parent, child, kind in edges if child == job and kind == "done"]
    rescued = [ended[parent] for parent, child, kind in edges if child == job and kind == "error"]
    # Whichever of these is known first decides.
    reasons = {state for state in after if state != "done"}
    if rescued and "failed" not in rescued:
        reasons.add("cancelled")
    return reasons or {fates[job]}
