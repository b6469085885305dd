from datetime import date, datetime, timedelta, timezone
from decimal import Decimal

from markupsafe import Markup

from odoo.tests.common import TransactionCase

from ..exception import JobDecodeError, JobOptionError
from ..runtime import payload


class TestPayload(TransactionCase):
    def test_values_come_back_as_they_went_in(self):
        partners = self.env["res.partner"].create([{"name": "One"}, {"name": "Two"}])
        for value in (
            None,
            [True, 0, -1.5, "text with \0 and \u20ac", []],
            {"a": {"b": (1, (2,))}},
            {"_type": "records", "model": "res.users", "ids": [1]},
            {1: "one", None: "none", (1, 2): {"_type": 3}},
            {1, 2, (3, "x")},
            frozenset({"a"}),
            Decimal("1.10"),
            b"\x00\xff",
            Markup("<b>bold</b>"),
            datetime(2030, 1, 2, 3, 4, 5, 6, tzinfo=timezone(timedelta(hours=-3, minutes=-30))),
            date(2030, 1, 2),
            datetime(2030, 1, 2, 3, 4, 5, 6),
            partners,
            self.env["res.partner"],
        ):
            with self.subTest(value):
                decoded = payload.decode(self.env, payload.encode(value))
                self.assertEqual(decoded, value)
                self.assertIs(type(decoded), type(value))

    def test_what_can_not_be_stored_is_named_with_its_place(self):
        for value, place in (
            ({"a": [1, object()]}, r"args\['a'\]\[1\].*object"),
            ({object(): 2}, "key.*object"),
            ({"a": {1, object}}, r"args\['a'\]"),
            ([self.env["res.partner"].new({})], r"args\[0\].*unsaved"),
        ):
            with self.subTest(place), self.assertRaisesRegex(JobOptionError, place):
                payload.encode(value, "args")

    def test_a_damaged_payload_is_refused_and_never_evaluated(self):
        for text in (
            "{",
            '{"_type": "eval", "value": "1 + 1"}',
            '{"_type": "records", "model": "no.model", "ids": []}',
        ):
            with self.subTest(text), self.assertRaises(JobDecodeError):
                payload.decode(self.env, text)
