"""Who attacks, and what there is to attack."""

from itertools import product
from typing import NamedTuple

from .attacks import SECRET
from .rpc_case import RpcCase

TABLES = (
    "queue_job",
    "queue_job_dependency",
    "queue_job_progress",
    "queue_job_function",
    "queue_worker",
    "queue_test_ledger",
    "ir_config_parameter",
)


class Attacker(NamedTuple):
    """A user, and the ids that matter to them; ``child`` is their own job that waits for ``victim``."""

    role: str
    user: object
    own: int
    child: int
    victim: int
    failed: int
    edge: int
    progress: int
    worker: int
    function: int
    model_id: int


class AttackCase(RpcCase):
    """A queue in which everybody has jobs; those of ``mate`` are the ones to get at."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.Job = cls.env["queue.job"]
        cls.partner = cls.env["res.partner"].create({"name": "Target"})
        cls.other_company = cls.env["res.company"].create({"name": "Other Company"})
        cls.mate = cls.make_user("attack-mate", "job_worker.group_queue_job_user")
        users = cls.make_users()
        cls.make_jobs(users)
        model_id = cls.env["ir.model"]._get_id("res.partner")
        cls.function = cls.env["queue.job.function"].create({"model_id": model_id, "method": "write"})
        worker = cls.env["queue.worker"].create({"name": SECRET, "hostname": SECRET})
        progress = cls.env["queue.job.progress"].create({"job_id": cls.victim.id, "done": 1, "message": SECRET})
        shared = {
            "victim": cls.victim.id,
            "failed": cls.failed.id,
            "edge": cls.victim.dependency_ids.id,
            "progress": progress.id,
            "worker": worker.id,
            "function": cls.function.id,
            "model_id": model_id,
        }
        cls.attackers = {
            role: Attacker(role, user, cls.make_job(user).id, cls.children[user.id], **shared)
            for role, user in users.items()
        }
        cls.env.flush_all()

    @classmethod
    def make_users(cls):
        """Return users by role: those who are no managers, and managers, here and of another company."""
        elsewhere = {"company_id": cls.other_company.id, "company_ids": [(6, 0, cls.other_company.ids)]}
        internal = "base.group_user,base.group_allow_export"
        user = f"job_worker.group_queue_job_user,{internal}"
        manager = f"job_worker.group_queue_job_manager,{internal}"
        return {
            "portal": cls.make_user("attack-portal", "base.group_portal,base.group_allow_export"),
            "internal": cls.make_user("attack-internal", internal),
            "user": cls.make_user("attack-user", user),
            "foreign user": cls.make_user("attack-user-elsewhere", user, **elsewhere),
            "manager": cls.make_user("attack-manager", manager),
            "foreign manager": cls.make_user("attack-manager-elsewhere", manager, **elsewhere),
        }

    @classmethod
    def make_job(cls, user, **options):
        """A job in the name of ``user``, enqueued by code that may do what they can't."""
        return cls.delayable(user, **options).delay()

    @classmethod
    def delayable(cls, user, **options):
        return cls.partner.with_user(user).sudo().delayable(**options).write({"comment": SECRET})

    @classmethod
    def make_jobs(cls, users):
        """Two jobs of ``mate``, one failed, one in a graph: before it another, behind it one of each user."""
        victim = cls.delayable(cls.mate, description=SECRET)
        victim.on_done(*(cls.delayable(user) for user in users.values()))
        before = cls.delayable(cls.mate).on_done(victim).delay()
        cls.victim = before.dependent_ids.job_id
        cls.failed = cls.make_job(cls.mate, description=SECRET)
        cls.children = {job.user_id.id: job.id for job in cls.victim.dependent_ids.job_id}
        for job, state in ((cls.victim, "waiting"), (cls.failed, "failed")):
            job.sudo().write(
                {"state": state, "result": SECRET, "exc_name": "E", "exc_message": SECRET, "exc_info": SECRET}
            )

    def rows(self):
        """All that attacks are after, as it stands in the database."""
        self.env.flush_all()
        self.env.cr.execute(" UNION ALL ".join(f"SELECT '{table}', t::text FROM {table} t" for table in TABLES))
        return sorted(self.env.cr.fetchall())

    def play(self, door, attacker, attack, **more):
        """Make the call of ``attack``; return its answer and whether it left the database alone."""
        answer = self.call(door, attacker.user, attack.model, attack.method, attack.ids, **attack.kwargs, **more)
        before, self.rows_now = self.rows_now, self.rows()
        return answer, self.rows_now == before

    def each_attack(self, *tables, roles):
        """Yield ``(door, attacker, attack)``: each attack of the tables by each role through each door."""
        self.rows_now = self.rows()
        for door, role, table in product(self.each_door(), roles, tables):
            attacker = self.attackers[role]
            for attack in table(attacker):
                yield door, attacker, attack

    def playing(self, door, attacker, attack):
        """The subtest of one attack."""
        call = f"{attack.model}({attack.ids or ''}).{attack.method}({attack.kwargs})"
        return self.subTest(call, door=door, role=attacker.role)

    def assert_all_refused(self, *tables, roles):
        for door, attacker, attack in self.each_attack(*tables, roles=roles):
            with self.playing(door, attacker, attack):
                answer, untouched = self.play(door, attacker, attack)
                self.assertTrue(untouched, f"Changed the database, and answered {answer}")
                self.assertIn(answer.error, attack.errors, f"Answered {answer.value!r}")

    def assert_all_answered(self, *tables, roles):
        """The control: the same calls, by who may make them."""
        for door, attacker, attack in self.each_attack(*tables, roles=roles):
            with self.playing(door, attacker, attack):
                answer, _untouched = self.play(door, attacker, attack)
                self.assertFalse(answer.error)
                self.assertTrue(has_found(answer.value))


def has_found(value):
    """Whether the answer of a search, or of a group of one, is about any record."""
    return bool(value["length"] if isinstance(value, dict) and "length" in value else value)
