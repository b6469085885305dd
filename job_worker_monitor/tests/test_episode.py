from datetime import datetime, timedelta

from odoo.tests.common import BaseCase

from ..alerts.episode import FIRE, REPEAT, RESOLVE, Policy, advance

START = datetime(2026, 1, 1, 12, 0)


def minutes(count):
    return timedelta(minutes=count)


class TestEpisode(BaseCase):
    """Each test plays a list of values, one a minute, and looks at which minutes something happened."""

    def play(self, policy, values, muted=()):
        """Return ``(events by minute, last episode)``."""
        episode, events = None, {}
        for minute, value in enumerate(values):
            episode, event = advance(policy, episode, value, START + minutes(minute), minute in muted)
            if event:
                events[minute] = event
            if episode and episode.state == "resolved":
                self.last_resolved, episode = episode, None
        return events, episode

    def test_what_is_well_stays_quiet(self):
        self.assertEqual(self.play(Policy(5, 5), [0, 4.9, None, 1]), ({}, None))

    def test_without_a_hold_it_fires_at_once_and_once(self):
        events, episode = self.play(Policy(5, 5), [1, 5, 9, 7])
        self.assertEqual(events, {1: FIRE})
        self.assertEqual(
            (episode.state, episode.since, episode.peak, episode.value), ("firing", START + minutes(1), 9, 7)
        )

    def test_with_a_hold_it_fires_when_it_was_bad_for_so_long(self):
        policy = Policy(5, 5, hold=minutes(3))
        events, episode = self.play(policy, [0, 6, 6, 6, 6])
        self.assertEqual(events, {4: FIRE})
        self.assertEqual(episode.fired_at, START + minutes(4))

    def test_one_minute_less_than_the_hold_does_not_fire(self):
        self.assertEqual(self.play(Policy(5, 5, hold=minutes(3)), [6, 6, 6, 0, 6, 6, 6, 1]), ({}, None))

    def test_a_gap_in_the_data_ends_the_hold(self):
        self.assertEqual(self.play(Policy(5, 5, hold=minutes(2)), [6, 6, None, 6, 6])[0], {})

    def test_it_resolves_below_the_threshold(self):
        events, episode = self.play(Policy(5, 5), [5, 4.99, 0])
        self.assertEqual((events, episode), ({0: FIRE, 1: RESOLVE}, None))
        self.assertEqual(self.last_resolved.resolved_at, START + minutes(1))

    def test_no_data_resolves(self):
        self.assertEqual(self.play(Policy(5, 5), [5, None])[0], {0: FIRE, 1: RESOLVE})

    def test_between_the_two_limits_it_goes_on_firing(self):
        policy = Policy(10, 6)
        self.assertEqual(self.play(policy, [10, 8, 6, 5.9])[0], {0: FIRE, 3: RESOLVE})

    def test_between_the_two_limits_it_does_not_start(self):
        self.assertEqual(self.play(Policy(10, 6), [8, 9.9, 7]), ({}, None))

    def test_it_resolves_when_it_was_recovered_for_so_long(self):
        policy = Policy(5, 5, clear_hold=minutes(2))
        self.assertEqual(self.play(policy, [5, 0, 0, 0])[0], {0: FIRE, 3: RESOLVE})

    def test_a_relapse_starts_the_recovery_anew(self):
        policy = Policy(5, 5, clear_hold=minutes(2))
        self.assertEqual(self.play(policy, [5, 0, 0, 6, 0, 0, 0])[0], {0: FIRE, 6: RESOLVE})

    def test_it_repeats_by_its_setting_while_it_fires(self):
        policy = Policy(5, 5, repeat=minutes(3))
        self.assertEqual(self.play(policy, [5] * 8 + [0])[0], {0: FIRE, 3: REPEAT, 6: REPEAT, 8: RESOLVE})

    def test_without_the_setting_it_never_repeats(self):
        self.assertEqual(self.play(Policy(5, 5), [5] * 2000)[0], {0: FIRE})

    def test_it_does_not_repeat_while_it_recovers(self):
        policy = Policy(5, 5, clear_hold=minutes(5), repeat=minutes(2))
        self.assertEqual(self.play(policy, [5, 0, 0, 0, 5, 5])[0], {0: FIRE, 4: REPEAT})

    def test_it_fires_again_after_it_has_resolved(self):
        self.assertEqual(self.play(Policy(5, 5), [5, 0, 5, 0])[0], {0: FIRE, 1: RESOLVE, 2: FIRE, 3: RESOLVE})

    def test_who_was_not_told_for_a_mute_is_told_when_it_ends(self):
        self.assertEqual(self.play(Policy(5, 5), [5, 5, 5, 5], muted=(0, 1))[0], {2: FIRE})

    def test_what_resolves_during_the_mute_is_not_told_at_all(self):
        events, _episode = self.play(Policy(5, 5), [5, 5, 0, 0], muted=(0, 1))
        self.assertEqual(events, {})
        self.assertEqual((self.last_resolved.fired_at, self.last_resolved.resolved_at), (START, START + minutes(2)))

    def test_a_mute_keeps_repetitions_back(self):
        policy = Policy(5, 5, repeat=minutes(2))
        self.assertEqual(self.play(policy, [5] * 7, muted=(1, 2, 3, 4))[0], {0: FIRE, 5: REPEAT})
