from odoo.tests.common import BaseCase

from ..engine.config import WorkerSettings
from ..engine.config_sources import resolve_settings, split_arguments


class TestConfig(BaseCase):
    def resolve(self, *argv, environment=None, section=None):
        options, _rest = split_arguments(argv, "test")
        return resolve_settings(options, environment or {}, section or {})

    def test_the_command_line_weighs_more_than_the_environment_and_that_more_than_the_file(self):
        argv = ("--concurrency", "1")
        environment = {"JOB_WORKER_CONCURRENCY": "2", "QUEUE_JOB_CONCURRENCY": "3"}
        section = {"concurrency": "4"}
        for given, expected, source in (
            ((argv, environment, section), 1, "--concurrency"),
            (((), environment, section), 2, "JOB_WORKER_CONCURRENCY"),
            (((), {"QUEUE_JOB_CONCURRENCY": "3"}, section), 3, "QUEUE_JOB_CONCURRENCY"),
            (((), {}, section), 4, "[job_worker]"),
            (((), {}, {}), WorkerSettings().concurrency, "default"),
        ):
            arguments, variables, options = given
            settings, sources = self.resolve(*arguments, environment=variables, section=options)
            self.assertEqual(settings.concurrency, expected)
            self.assertIn(source, sources["concurrency"])

    def test_arguments_of_odoo_are_left_over(self):
        _options, rest = split_arguments(["-c", "odoo.conf", "--poll-timeout", "2", "--log-level=debug"], "test")
        self.assertEqual(rest, ["-c", "odoo.conf", "--log-level=debug"])

    def test_a_bad_value_is_named_with_its_source(self):
        for given, message in (
            ({"section": {"speed": "9"}}, "unknown option 'speed'"),
            ({"section": {"poll_timeout": "soon"}}, r"poll_timeout in \[job_worker\].*a number.*'soon'"),
            ({"environment": {"JOB_WORKER_CONCURRENCY": "2.5"}}, "JOB_WORKER_CONCURRENCY.*whole number.*'2.5'"),
            ({"environment": {"JOB_WORKER_POLL_TIMEOUT": "0"}}, "poll_timeout must be at least"),
            ({"section": {"stale_after_seconds": "15"}}, "stale_after_seconds.*more than twice"),
        ):
            with self.subTest(message), self.assertRaisesRegex(ValueError, message):
                self.resolve(**given)

    def test_an_option_of_odoo_stands_in_for_a_default(self):
        options, _rest = split_arguments([], "test")
        settings, sources = resolve_settings(options, {}, {}, {"limit_memory_soft": 7})
        self.assertEqual(settings.limit_memory_soft, 7)
        self.assertEqual(sources["limit_memory_soft"], "Odoo's option limit_memory_soft")
        settings, _sources = resolve_settings(options, {}, {"limit_memory_soft": "8"}, {"limit_memory_soft": 7})
        self.assertEqual(settings.limit_memory_soft, 8)

    def test_an_exclusion_is_not_taken_for_an_option(self):
        options, rest = split_arguments(["--channels", "-bulk,-root.mail", "-d", "db"], "test")
        self.assertEqual((options.channels, rest), ("-bulk,-root.mail", ["-d", "db"]))

    def test_truth_is_read_in_the_usual_words(self):
        for text, expected in (("true", True), ("1", True), ("Yes", True), ("off", False)):
            self.assertIs(self.resolve("--fair", text)[0].fair, expected)
        with self.assertRaisesRegex(ValueError, "--fair must be true or false, not 'perhaps'"):
            self.resolve("--fair", "perhaps")
