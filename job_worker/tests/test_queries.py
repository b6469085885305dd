from odoo.tests.common import BaseCase

from ..engine.queries import QUERIES, parse_queries


class TestQueries(BaseCase):
    def test_each_block_becomes_a_statement_without_its_comment(self):
        queries = parse_queries("-- about\n\n-- name: one\n-- why\nSELECT 1\n\n-- name: two\nSELECT 2\n")
        self.assertEqual(queries, {"one": "SELECT 1", "two": "SELECT 2"})

    def test_a_name_must_be_unique_and_have_a_statement(self):
        for text in ("-- name: one\nSELECT 1\n-- name: one\nSELECT 2\n", "-- name: one\n-- nothing\n"):
            with self.assertRaisesRegex(ValueError, "one"):
                parse_queries(text)

    def test_the_statements_of_the_engine_can_not_be_changed(self):
        with self.assertRaises(TypeError):
            QUERIES["claim_jobs"] = "DELETE FROM queue_job"
