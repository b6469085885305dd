import random
import time

from odoo.tests import tagged

from odoo.addons.job_worker.engine.channels import lineage

from .claimers import ClaimerCase, wait

JOBS = 10_000
KEYS = 200
CLAIMERS = 8
LIMITS = {"one": 1, "five": 5, "tree": 6, "tree.left": 3, "tree.right": 5}
RATE, BURST, RATE_SECONDS = 15.0, 4, 60.0


@tagged("post_install", "-at_install")
class TestLimitsProcess(ClaimerCase):
    """Limits, keys and rates against many claimers at once, on a log that PostgreSQL keeps."""

    def test_no_moment_is_over_a_limit_or_a_key_though_claimers_are_killed(self):
        generator = random.Random(5)
        for name, limit in LIMITS.items():
            self.limit(name, limit)
        weights = {"one": 1, "five": 4, "tree.left": 4, "tree.right": 4, "tree": 2, "free": 4}
        channels = generator.choices(list(weights), weights.values(), k=JOBS)
        keys = [f"key-{generator.randrange(KEYS)}" if generator.random() < 0.5 else None for _job in channels]
        self.insert(channels, keys, [generator.choice((1, 10, 20)) for _job in channels])
        self.start_claimers(CLAIMERS)
        kill_at, moments, over = time.monotonic() + 1, 0, {}
        deadline = time.monotonic() + 200
        while self.unfinished():
            self.assertLess(time.monotonic(), deadline, f"{self.unfinished()} jobs are left: something starves")
            for name, limit in LIMITS.items():
                running = self.running_now(name)
                if running > limit:
                    over[name] = running
            moments += 1
            wait(0.05)  # the claimers need the processors too
            if time.monotonic() > kill_at:
                self.kill_one()
                kill_at = time.monotonic() + generator.uniform(0.5, 2)
        self.stop_claimers()
        self.assertEqual(over, {})
        most = self.most_at_once(lambda channel, key: [*lineage(channel), *([key] if key else [])])
        for name, limit in LIMITS.items():
            self.assertEqual(most[name], limit, f"{name}: the limit is kept, and used")
        self.assertEqual({most[f"key-{number}"] for number in range(KEYS)}, {1})
        self.assertGreater(len(self.claimers), CLAIMERS + 3, "Some were killed")
        self.assertGreater(moments, 20)

    def test_in_every_window_a_rate_is_kept_by_several_claimers(self):
        self.limit("paced", rate=RATE, burst=BURST)
        self.insert(["paced"] * 1000)
        self.start_claimers(3, seconds_per_job=0.0)
        wait(RATE_SECONDS)
        self.stop_claimers()
        starts = [seconds for seconds, start, _channel, _key in self.events() if start]
        for first, begin in enumerate(starts):
            for last in range(first, len(starts)):
                self.assertLessEqual(last - first + 1, RATE * (starts[last] - begin) + BURST + 1e-6)
        self.assertGreater(len(starts), 0.75 * RATE * (starts[-1] - starts[0]), "The rate is used")

    def test_a_lowered_limit_holds_for_every_start_after_it_was_committed(self):
        self.limit("exports", 10)
        self.insert(["exports"] * 3000)
        self.start_claimers(4, seconds_per_job=0.02)
        self.wait_until(lambda: self.running_now("exports") >= 8, "the limit of 10 is used")
        self.limit("exports", 2)
        lowered = self.now()
        self.wait_until(lambda: self.starts_since(lowered) > 100, "it goes on")
        self.limit("exports", 0)
        stopped = self.now()
        self.wait_until(lambda: not self.running_now("exports"), "the last one has ended")
        wait(0.5)
        self.stop_claimers()
        running, most = 0, 0
        for seconds, start, _channel, _key in self.events():
            running += 1 if start else -1
            if start and seconds > lowered:
                most = max(most, running)
            self.assertFalse(start and seconds > stopped, "Nothing starts under a limit of 0")
        self.assertEqual(most, 2)

    def test_a_worker_takes_only_the_channels_that_it_serves(self):
        self.insert(["exports", "exports.heavy", "mail", "mail.bulk"] * 20)
        self.start_claimers(1, channels="exports,mail,-mail.bulk")
        left = [("mail.bulk", 20)]
        self.wait_until(
            lambda: self.query("SELECT channel, count(*) FROM queue_job WHERE state <> 'done' GROUP BY 1") == left,
            "only the excluded channel is left",
        )
        self.stop_claimers()
