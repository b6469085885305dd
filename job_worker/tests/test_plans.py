from odoo.tests import tagged

from ..engine.claim import _as_columns
from ..engine.memory import Head
from ..engine.prepared import OF_CONTROL, execute_statement, run_query
from ..engine.queries import QUERIES
from ..engine.workers import prepare_session
from .claim_case import ClaimCase

READY = 3000
HEADS = [Head("plans.a", 10, "2020-01-01", 0), Head("plans.b", 10, "2020-01-01", 0)]
# Only the sort of what was picked may be there, never one of the backlog.
MAX_ROWS = 200


@tagged("post_install", "-at_install")
class TestPlans(ClaimCase):
    """The plans of the claim: an index gives the order, and nobody walks the backlog or the table."""

    def setUp(self):
        super().setUp()
        self.addCleanup(self.execute, "DELETE FROM queue_job WHERE model_name = 'plans'")

        prepare_session(self.second, [])
        self.filled = False

    def fill(self):
        self.filled = True
        for state, count, key in (("done", 20_000, None), ("pending", READY, None), ("pending", READY, "key")):
            self.execute(
                """INSERT INTO queue_job (uuid, state, model_name, method_name, payload, channel, priority, max_retries,
                                          create_date, concurrency_key, key_place)
                   SELECT gen_random_uuid(), %s, 'plans', 'read', '{}',
                          CASE WHEN number %% 2 = 0 THEN 'plans.a' ELSE 'plans.b' END, number %% 5, 5,
                          clock_timestamp() AT TIME ZONE 'UTC', %s::text, CASE WHEN %s IS NOT NULL THEN 'behind' END
                     FROM generate_series(1, %s) number""",
                state, key, key, count,
            )  # fmt: skip

    def nodes(self, query, before=None, window=None, **params):
        """The nodes of a plan that was run and rolled back."""
        with self.second.cursor() as cursor:
            cursor.execute("BEGIN")
            if before:
                cursor.execute(QUERIES[before])
            statement = QUERIES[query]
            if query in OF_CONTROL:
                literals = {"window": window} if window else {}
                run_query(cursor, query, params, **literals)
                cursor.execute("ROLLBACK; BEGIN")
                statement = execute_statement("_".join([query, *map(str, literals.values())]), OF_CONTROL[query])
            cursor.execute("EXPLAIN (ANALYZE, FORMAT JSON) " + statement, params)
            (((plan,),),) = cursor.fetchall()
            cursor.execute("ROLLBACK")
        found, stack = [], [plan["Plan"]]
        while stack:
            node = stack.pop()
            stack += node.get("Plans", [])
            found.append(node)
        self.shape = " <- ".join(f"{node['Node Type']} {node.get('Index Name', '')}".strip() for node in found)
        return found

    def check(self, query, **params):
        nodes = self.nodes(query, **params)
        if not self.filled:
            return  # there is nothing to walk, whatever the plan
        for node in nodes:
            where = f"{query}: {node['Node Type']} on {node.get('Relation Name')} in {self.shape}"
            if node.get("Relation Name") == "queue_job":
                self.assertNotEqual(node["Node Type"], "Seq Scan", where)
                removed = node.get("Rows Removed by Filter", 0)
                self.assertLess((node["Actual Rows"] + removed) * node["Actual Loops"], 2 * MAX_ROWS, where)
            if node["Node Type"] in ("Sort", "Incremental Sort"):
                self.assertLess(node["Plans"][0]["Actual Rows"], 2 * MAX_ROWS, where)

    def check_all(self):
        columns = _as_columns(HEADS)
        window = {"count": 20, "window": 64}
        worker = {"worker_id": self.worker_id, "worker_name": "test", "line": 8, "executors": 4}
        self.check("look_for_jobs")
        self.check("look_from_heads", **columns)
        self.check("claim_jobs", **columns, **window, **worker, picked=[], limited=[])
        ids = [id_ for (id_,) in self.execute("SELECT id FROM queue_job WHERE state = 'pending' LIMIT 20")]
        self.check("claim_jobs", **_as_columns([]), **window, **worker, picked=ids, limited=["plans.a"])
        self.check("read_limits", channels=[""], tokens=[0], ids=[], claim_tokens=[])
        self.check("read_limits", channels=["", "plans.a"], tokens=[0, 5], ids=ids, claim_tokens=[7] * len(ids))
        self.check("list_candidates", **columns, window=64)
        self.check("place_keys", keys=["key", "other"])
        self.check("new_keys")
        self.check("stalled_keys", before="avoid_sorts")
        self.check("next_due", floor="-infinity")
        self.check("promote_due_jobs", lock_class=0, floor="2020-01-01")

    def test_no_statement_of_the_claim_walks_or_sorts_the_backlog(self):
        self.fill()
        self.execute("ANALYZE queue_job")
        self.check_all()

    def test_nor_does_it_with_statistics_from_before_the_backlog(self):
        self.execute("ANALYZE queue_job")
        self.fill()
        self.check_all()

    def test_nor_does_it_with_plans_from_before_the_backlog(self):
        self.execute("VACUUM ANALYZE queue_job")
        self.check_all()
        self.fill()
        self.assertTrue(self.claim(self.second).jobs, "The first look sees that the table has grown")
        self.check_all()
        statements = self.second.statements
        planned = dict(statements._fresh_until)
        self.claim(self.second)
        self.check_all()
        self.assertEqual(statements._fresh_until, planned, "Nothing was planned anew since")
