from datetime import datetime, timedelta, timezone

from odoo.tests.common import BaseCase

from ..exception import JobOptionError
from ..options import check_options


class TestOptions(BaseCase):
    def test_what_is_left_out_or_none_is_absent(self):
        self.assertEqual(check_options({}), {})
        self.assertEqual(check_options(dict.fromkeys(("channel", "eta", "identity_key", "timeout"))), {})

    def test_eta_is_another_name_of_scheduled_at_and_must_agree_with_it(self):
        noon = datetime(2030, 1, 1, 12)
        self.assertEqual(check_options({"eta": noon, "scheduled_at": noon}), {"scheduled_at": noon})
        with self.assertRaisesRegex(JobOptionError, "eta and scheduled_at.*60.*61"):
            check_options({"eta": 60, "scheduled_at": 61})

    def test_a_retry_pattern_is_stored_with_its_attempts_in_order(self):
        checked = check_options({"retry_pattern": {5: 60, 1: 10, "10": (5, 30)}})
        self.assertEqual(checked, {"retry_pattern": '{"1": 10, "5": 60, "10": [5, 30]}'})

    def test_an_unknown_option_is_named_beside_the_known_ones(self):
        with self.assertRaisesRegex(JobOptionError, "'chanel'.*channel"):
            check_options({"chanel": "root"})

    def test_a_value_of_a_wrong_type_or_range_is_refused_by_name(self):
        for options in (
            {"priority": -1},
            {"priority": "high"},
            {"priority": True},
            {"priority": 2**31},
            {"max_retries": 1.5},
            {"channel": ""},
            {"channel": 7},
            {"description": "\0"},
            {"scheduled_at": "tomorrow"},
            {"scheduled_at": 1e300},
            {"eta": timedelta.max},
            {"identity_key": ""},
            {"timeout": -1},
            {"retry_pattern": {}},
            {"retry_pattern": {0: 1}},
            {"retry_pattern": {1: -1}},
            {"retry_pattern": {1: (30, 5)}},
            {"retry_pattern": {"first": 1}},
        ):
            (name,) = options
            with self.subTest(options), self.assertRaisesRegex(JobOptionError, name):
                check_options(options)

    def test_a_moment_is_stored_in_utc(self):
        noon = datetime(2030, 1, 1, 12)
        east = timezone(timedelta(hours=2))
        self.assertEqual(check_options({"scheduled_at": noon})["scheduled_at"], noon)
        aware = check_options({"scheduled_at": noon.replace(tzinfo=east)})["scheduled_at"]
        self.assertEqual(aware, datetime(2030, 1, 1, 10))

    def test_a_delay_counts_from_now(self):
        now = datetime.now(timezone.utc).replace(tzinfo=None)
        for delay in (3600, 3600.0, timedelta(hours=1)):
            moment = check_options({"scheduled_at": delay})["scheduled_at"]
            self.assertAlmostEqual((moment - now).total_seconds(), 3600, delta=60)
