from odoo.tests import tagged

from .common import RUN_WORKER, ProcessCase


@tagged("post_install", "-at_install")
class TestLauncher(ProcessCase):
    """Bad input ends the launcher with one clear line and exit code 2."""

    def assertRefused(self, arguments, *fragments, program=(RUN_WORKER,), **environment):
        ended = self.run_program(*program, *arguments, **environment)
        self.assertEqual(ended.returncode, 2, ended.stderr)
        lines = ended.stderr.strip().splitlines()
        self.assertEqual(len(lines), 1, ended.stderr)
        for fragment in fragments:
            self.assertIn(fragment, lines[0])

    def test_a_missing_configuration_file_is_named(self):
        missing = self.directory / "missing.conf"
        self.assertRefused(["-c", missing, "-d", self.db_name], str(missing))

    def test_a_broken_configuration_file_is_refused(self):
        broken = self.directory / "broken.conf"
        broken.write_text("db_host = nowhere\n")
        self.assertRefused(["-c", broken, "-d", self.db_name], "configuration can't be read", str(broken))

    def test_databases_of_which_none_can_be_served_are_refused(self):
        self.assertRefused(["-c", self.conf, "-d", "no_such_one,no_such_two"], "no_such_one")

    def test_a_server_that_can_not_be_reached_is_named_also_when_all_databases_are_to_be_served(self):
        conf = self.write_conf("unreachable.conf", db_host="127.0.0.1", db_port=1)
        self.assertRefused(["-c", conf], "127.0.0.1", PGHOST="127.0.0.1")

    def test_an_unknown_option_is_named(self):
        self.assertRefused(["-c", self.conf, "-d", self.db_name, "--fly"], "--fly")

    def test_a_worker_option_out_of_range_is_named(self):
        self.assertRefused(["-c", self.conf, "-d", self.db_name, "--concurrency", "0"], "concurrency", "at least 1")
        self.assertRefused(["-c", self.conf, "-d", self.db_name, "--concurrency", "many"], "--concurrency", "many")

    def test_an_unreachable_server_is_named(self):
        conf = self.write_conf("unreachable.conf", db_host="127.0.0.1", db_port=1)
        self.assertRefused(["-c", conf, "-d", self.db_name], self.db_name, "127.0.0.1", PGHOST="127.0.0.1")

    def test_an_unknown_database_is_named(self):
        self.assertRefused(["-c", self.conf, "-d", "no_such_database"], "no_such_database")

    def test_a_database_without_the_module_says_how_to_install_it(self):
        self.assertRefused(["-c", self.conf, "-d", "postgres"], "postgres", "-i job_worker")

    def test_another_odoo_is_refused(self):
        package = self.make_odoo("other_odoo", "version = '18.0'\nversion_info = (18, 0, 0, 'final', 0, '')\n")
        self.assertRefused(["-d", self.db_name], "Odoo 19 is needed", "18.0", PYTHONPATH=str(package))

    def test_an_interpreter_without_odoo_is_refused(self):
        package = self.make_odoo("no_odoo", "raise ImportError('no Odoo here')\n")
        self.assertRefused(["-d", self.db_name], "Odoo can't be imported", "no Odoo here", PYTHONPATH=str(package))

    def make_odoo(self, directory, release):
        """Make an ``odoo`` package of which only the release can be imported."""
        package = self.directory / directory / "odoo"
        package.mkdir(parents=True)
        (package / "__init__.py").write_text("")
        (package / "release.py").write_text(release)
        return package.parent

    def test_the_command_of_odoo_says_the_same(self):
        command = ("-m", "odoo", f"--addons-path={self.addons_path()}", "worker")
        self.assertRefused(["-c", self.conf, "-d", "no_such_database"], "no_such_database", program=command)
        self.assertRefused(["-c", self.conf, "-d", self.db_name, "--fly"], "--fly", program=command)

    def addons_path(self):
        return str(RUN_WORKER.parent)

    def test_a_setting_in_the_configuration_file_is_checked(self):
        conf = self.write_conf("settings.conf")
        conf.write_text(conf.read_text() + "[job_worker]\nspeed = 9\n")
        self.assertRefused(["-c", conf, "-d", self.db_name], "speed", "[job_worker]")

    def test_show_config_prints_each_setting_and_its_source(self):
        conf = self.write_conf("settings.conf")
        conf.write_text(conf.read_text() + "[job_worker]\nconcurrency = 7\n")
        ended = self.run_program(RUN_WORKER, "-c", conf, "--show-config", JOB_WORKER_POLL_TIMEOUT="3")
        self.assertEqual(ended.returncode, 0, ended.stderr)
        self.assertIn("concurrency = 7  (concurrency in [job_worker])", ended.stdout)
        self.assertIn("poll_timeout = 3  (the environment variable JOB_WORKER_POLL_TIMEOUT)", ended.stdout)
        self.assertIn("max_backoff_seconds = 3600  (the default)", ended.stdout)

    def test_help_lists_the_worker_options(self):
        ended = self.run_program(RUN_WORKER, "--help")
        self.assertEqual(ended.returncode, 0, ended.stderr)
        self.assertIn("--shutdown-grace-seconds", ended.stdout)

    def test_its_own_directory_is_added_to_an_addons_path_without_job_worker(self):
        base_only = self.write_conf("base_only.conf", addons_path="")
        self.assertRefused(["-c", base_only, "-d", "no_such_database"], "no_such_database")
