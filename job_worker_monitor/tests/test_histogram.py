"""Percentiles of merged histograms are close to exact ones, whatever the data."""

import math
from datetime import datetime, timedelta
from unittest import skipUnless

from odoo.tests.common import BaseCase

from ..metrics import histogram, periods

try:
    from hypothesis import given, settings, strategies as st
except ImportError:
    st = None

PERCENT = 5


def make(values):
    result = {}
    for value in values:
        bucket = histogram.bucket_of(value)
        result[bucket] = result.get(bucket, 0) + 1
    return result


def exact(values, fraction):
    """As PostgreSQL's percentile_cont."""
    values = sorted(values)
    place = fraction * (len(values) - 1)
    below = math.floor(place)
    above = min(below + 1, len(values) - 1)
    return values[below] + (values[above] - values[below]) * (place - below)


class TestHistogram(BaseCase):
    def test_each_value_is_in_its_bucket(self):
        for value in (0.0, 0.0001, 0.00010001, 0.001, 0.5, 1, 59.9, 3600, 1e6):
            bucket = histogram.bucket_of(value)
            self.assertLessEqual(value, histogram.upper_bound(bucket) * (1 + 1e-9))
            if bucket:
                self.assertGreater(value, histogram.upper_bound(bucket - 1) * (1 - 1e-9))

    def test_the_promised_error_is_below_five_percent(self):
        self.assertLess(histogram.RELATIVE_ERROR, PERCENT / 100)

    def test_nothing_has_no_percentile(self):
        self.assertIsNone(histogram.percentile({}, 0.5))

    def test_merging_takes_the_text_keys_of_json(self):
        self.assertEqual(histogram.merge([{"3": 1}, {3: 2, "5": 1}, None]), {3: 3, 5: 1})

    def test_counts_up_to_a_bound_are_cumulative(self):
        values = make([0.01, 0.02, 0.5, 2, 100])
        self.assertEqual(histogram.cumulative(values, [0.1, 1, 10, 1000]), [2, 3, 4, 5])


if st:
    seconds = st.floats(min_value=histogram.FLOOR_SECONDS * 1.01, max_value=histogram.CEILING_SECONDS / 2)
    # Skewed, as durations are: mostly short, some very long.
    skewed = st.floats(min_value=-9, max_value=14).map(math.exp)


@skipUnless(st, "hypothesis is not installed")
class TestHistogramProperties(BaseCase):
    if st:

        @settings(max_examples=300, deadline=None, derandomize=True)
        @given(st.lists(st.lists(st.one_of(seconds, skewed), min_size=1, max_size=80), min_size=1, max_size=5))
        def test_percentiles_of_merged_histograms_are_within_five_percent_of_exact_ones(self, minutes):
            everything = [value for minute in minutes for value in minute]
            merged = histogram.merge(make(minute) for minute in minutes)
            for fraction in (0, 0.25, 0.5, 0.9, 0.95, 0.99, 1):
                truth = exact(everything, fraction)
                self.assertAlmostEqual(histogram.percentile(merged, fraction), truth, delta=truth * PERCENT / 100)

        @settings(max_examples=200, deadline=None, derandomize=True)
        @given(st.lists(skewed, min_size=1), st.lists(skewed, min_size=1))
        def test_merging_is_the_same_as_counting_together(self, first, second):
            self.assertEqual(histogram.merge([make(first), make(second)]), make(first + second))


class TestPeriods(BaseCase):
    now = datetime(2026, 3, 29, 1, 30, 45)

    def test_periods_start_where_utc_says(self):
        self.assertEqual(periods.floor(self.now, periods.MINUTE), datetime(2026, 3, 29, 1, 30))
        self.assertEqual(periods.floor(self.now, periods.HOUR), datetime(2026, 3, 29, 1))
        self.assertEqual(periods.floor(self.now, periods.DAY), datetime(2026, 3, 29))

    def test_the_last_minutes_are_counted_again(self):
        start = periods.collection_start(self.now, self.now, timedelta(minutes=5), timedelta(days=2))
        self.assertEqual(start, datetime(2026, 3, 29, 1, 25))

    def test_after_a_standstill_it_goes_on_where_it_stopped(self):
        stopped = self.now - timedelta(hours=7)
        start = periods.collection_start(stopped, self.now, timedelta(minutes=5), timedelta(days=2))
        self.assertEqual(start, datetime(2026, 3, 28, 18, 25))

    def test_it_never_starts_before_what_is_kept(self):
        for last in (None, self.now - timedelta(days=400)):
            start = periods.collection_start(last, self.now, timedelta(minutes=5), timedelta(days=2))
            self.assertEqual(start, datetime(2026, 3, 27, 1, 30))

    def test_a_clock_set_back_does_not_stop_it(self):
        ahead = self.now + timedelta(hours=3)
        start = periods.collection_start(ahead, self.now, timedelta(minutes=5), timedelta(days=2))
        self.assertEqual(start, datetime(2026, 3, 29, 1, 25))
