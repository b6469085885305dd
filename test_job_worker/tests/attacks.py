"""What attackers try, as tables: pure data about a :class:`Scene`, played by ``test_attacks``."""

from typing import NamedTuple

SECRET = "hunter2"
FORGED = '{"ids":[1],"args":[],"kwargs":{},"context":{},"su":true}'
MISSING = ("AccessError", "MissingError", "UserError")
# The contents of a job that are for its user and for managers.
CONTENTS = (
    "func_string",
    "record_ids",
    "result",
    "exc_info",
    "exc_message",
    "name",
    "user_id",
    "uuid",
    "state",
)
BUTTONS = (
    "button_requeue",
    "button_cancel",
    "button_done",
    "button_failed",
    "button_run_now",
    "button_requeue_graph",
    "button_cancel_graph",
)


# What RPC must never get at, for it would lead anywhere.
INTERNALS = ("init", "sudo", "with_user", "with_context", "browse", "mapped", "filtered_domain", "_write", "_search")


class Attack(NamedTuple):
    """One call, and the errors that refuse it."""

    model: str
    method: str
    ids: list | None = None
    kwargs: dict = {}
    errors: tuple = ("AccessError",)


def job(method, ids=None, **kwargs):
    return Attack("queue.job", method, ids, kwargs)


def forgeries(attacker):
    """Creating, changing, copying and deleting jobs: nobody may, not even a manager."""
    values = {"uuid": "forged", "model_name": "res.users", "method_name": "unlink", "payload": FORGED}
    yield job("create", vals_list=[values])
    yield job("create", vals_list=[{**values, "user_id": 1, "state": "done", "parent_id": attacker.own}])
    yield job("web_save", [], vals=values, specification={"payload": {}})
    for change in (
        {"payload": FORGED},
        {"user_id": 1},
        {"company_id": False},
        {"state": "done"},
        {"claim_token": 1},
        {"channel": "forged", "priority": 0},
        {"child_ids": [[0, 0, values]]},
        {"child_ids": [[1, attacker.victim, {"payload": FORGED}]]},
        {"dependency_ids": [[5, 0, 0]], "progress_ids": [[0, 0, {"done": 1}]]},
    ):
        yield job("write", [attacker.own], vals=change)
    shown = {"func_string": {}}
    for target in (attacker.own, attacker.victim):
        yield job("write", [target], vals={"payload": FORGED, "user_id": 1, "state": "pending"})
        yield job("web_save", [target], vals={"payload": FORGED}, specification={})
        yield job("onchange", [target], values={"payload": FORGED}, field_names=[], fields_spec=shown)
        yield job("copy", [target], default={"payload": FORGED, "claim_token": 0})
        yield job("unlink", [target])
    yield job("copy", [attacker.own])
    yield job("web_save_multi", [attacker.own], vals_list=[{"state": "done"}], specification={})
    yield job("web_resequence", [attacker.own], specification={}, field_name="priority")
    yield job("unlink", [attacker.own, attacker.victim])
    yield job("name_create", name="forged")
    yield job("onchange", [], values=values, field_names=[], fields_spec={"func_string": {}})


def side_doors(attacker):
    """Getting at jobs by way of the models around them."""
    edge = {"job_id": attacker.own, "depends_on_id": attacker.victim, "kind": "done"}
    progress = {"job_id": attacker.own, "message": "forged"}
    for model, values, record_id in (
        ("queue.job.dependency", edge, attacker.edge),
        ("queue.job.progress", progress, attacker.progress),
        ("queue.worker", {"name": "forged"}, attacker.worker),
    ):
        yield Attack(model, "create", None, {"vals_list": [values]})
        yield Attack(model, "write", [record_id], {"vals": values})
        yield Attack(model, "web_save", [], {"vals": values, "specification": {}})
        yield Attack(model, "unlink", [record_id])
    # By nobody's record, so that no rule on records is asked.
    yield Attack("res.config.settings", "set_values", [])
    yield Attack("res.config.settings", "create", None, {"vals_list": [{"job_retention_days_done": 1}]})


def imports(attacker):
    """``load`` reports what it refuses, it doesn't raise."""
    for names, row in (
        ([".id", "priority"], [str(attacker.own), "1"]),
        ([".id", "payload"], [str(attacker.victim), FORGED]),
        (["uuid", "model_name", "method_name", "payload"], ["forged", "res.users", "unlink", FORGED]),
        ([".id", "child_ids/payload"], [str(attacker.own), FORGED]),
    ):
        yield job("load", fields=names, data=[row])
    yield Attack(
        "queue.job.dependency",
        "load",
        None,
        {"fields": [".id", "kind"], "data": [[str(attacker.edge), "error"]]},
    )


def settings(attacker):
    """What only managers may configure or see."""
    values = {"model_id": attacker.model_id, "method": "unlink", "related_action": {"func_name": "sudo"}}
    yield Attack("queue.job.function", "create", None, {"vals_list": [values]})
    yield Attack("queue.job.function", "write", [attacker.function], {"vals": {"channel": "forged"}})
    yield Attack("queue.job.function", "web_save", [], {"vals": values, "specification": {}})
    yield Attack("queue.job.function", "copy", [attacker.function], {"default": {"method": "unlink"}})
    yield Attack("queue.job.function", "unlink", [attacker.function])
    yield Attack("queue.job.alert", "create", None, {"vals_list": [{"channel": "forged"}]})
    yield Attack("queue.limit", "create", None, {"vals_list": [{"name": "forged", "limit": 0}]})
    yield Attack("queue.limit", "pause", None, {"channel": "forged"})
    yield Attack("queue.worker", "search_read", None, {"domain": []})
    yield Attack("queue.worker", "read", [attacker.worker], {"fields": ["hostname"]})


def readings(attacker):
    """Reading a job of somebody else, which its manager may."""
    victim = [attacker.victim]
    for name in ("name", "func_string", "result", "exc_info"):
        yield job("read", victim, fields=[name])
    yield job("web_read", victim, specification=dict.fromkeys(CONTENTS, {}))
    yield job("read", [attacker.own, attacker.victim], fields=["name"])
    yield job("export_data", victim, fields_to_export=["name", "result", "func_string"])
    yield job("get_metadata", victim)
    yield job("action_open_related", victim)
    yield job("action_open_function", victim)
    yield job("action_open_graph", victim)
    yield job("graph_picture", victim)
    shown = {"fields": {"func_string": {}}}
    yield job("web_read", [attacker.child], specification={"parent_id": shown})
    yield job("web_read", [attacker.child], specification={"dependency_ids": {"fields": {"depends_on_id": shown}}})
    for path in ("parent_id/exc_info", "dependency_ids/depends_on_id/result"):
        yield job("export_data", [attacker.child], fields_to_export=[path])
    yield Attack("queue.job.progress", "read", [attacker.progress], {"fields": ["message"]})
    yield Attack("queue.job.dependency", "read", [attacker.edge], {"fields": ["job_id"]})


def inferences(attacker):
    """Guessing arguments: by asking for them, or by what a search, an order or a group betrays."""
    yield job("read", [attacker.own], fields=["payload"])
    yield job("web_read", [attacker.own], specification={"payload": {}})
    yield job("export_data", [attacker.own], fields_to_export=["payload"])
    yield job("export_data", [attacker.child], fields_to_export=["parent_id/payload"])
    for path in (
        "payload",
        "parent_id.payload",
        "child_ids.payload",
        "dependent_ids.job_id.payload",
        "dependency_ids.depends_on_id.payload",
        "progress_ids.job_id.payload",
    ):
        yield job("search", domain=[[path, "ilike", SECRET]])
    yield job("search_count", domain=["!", ["payload", "=", False]])
    nested = ["dependency_ids", "any", [["depends_on_id", "any", [["payload", "ilike", SECRET]]]]]
    yield job("search", domain=[nested])
    yield job("name_search", name="", domain=[["payload", "ilike", SECRET]])
    yield Attack("queue.job.dependency", "search", None, {"domain": [["job_id.payload", "ilike", SECRET]]})
    yield Attack("queue.job.progress", "search", None, {"domain": [["job_id.payload", "ilike", SECRET]]})
    yield job("search", domain=[], order="payload")
    yield job("web_search_read", domain=[], specification={"payload": {}})
    yield job("read_group", domain=[], fields=["payload:max"], groupby=["state"])
    yield job("read_group", domain=[], fields=[], groupby=["payload"])
    for method in ("formatted_read_group", "web_read_group"):
        yield job(method, domain=[], groupby=["payload"], aggregates=["__count"])
        yield job(method, domain=[], groupby=["state"], aggregates=["payload:max"])
    yield job("formatted_read_group", domain=[], groupby=["state"], aggregates=["payload:array_agg"])
    yield job("formatted_read_group", domain=[], groupby=["state"], order="payload:max")
    yield job("formatted_read_group", domain=[], groupby=["state"], having=[["payload:max", "!=", "x"]])
    yield job("formatted_read_grouping_sets", domain=[], grouping_sets=[["payload"]], aggregates=["__count"])
    colors = {"field": "state", "colors": {"pending": "info"}}
    yield job("read_progress_bar", domain=[], group_by="payload", progress_bar=colors)


def searches(attacker):
    """Searches that are allowed, and must not find what is somebody else's."""
    for name in ("name", "result", "exc_info", "exc_message"):
        yield job("search", domain=[[name, "ilike", SECRET]])
        yield job("search", domain=[["id", "=", attacker.child], [f"parent_id.{name}", "ilike", SECRET]])
        path = f"dependency_ids.depends_on_id.{name}"
        yield job("search", domain=[["id", "=", attacker.child], [path, "ilike", SECRET]])
    victim = [["id", "=", attacker.victim]]
    yield job("search_read", domain=victim, fields=["func_string"])
    yield job("web_search_read", domain=victim, specification={"func_string": {}})
    yield job("name_search", name=SECRET)
    yield job("search_count", domain=[["date_created", "!=", False], *victim])
    for method in ("formatted_read_group", "web_read_group"):
        yield job(method, domain=victim, groupby=["exc_info"], aggregates=["__count"])
        yield job(method, domain=victim, groupby=["state"], aggregates=["result:max"])
    yield Attack("queue.job.progress", "search_read", None, {"domain": [["message", "ilike", SECRET]]})
    yield Attack("queue.job.dependency", "search_read", None, {"domain": [["job_id", "=", attacker.victim]]})
    yield Attack("queue.job.dependency", "search", None, {"domain": [["depends_on_id.exc_info", "ilike", SECRET]]})


def unsearchable(attacker):
    """What has no column can't be searched, by anybody."""
    for name in ("func_string", "record_ids", "parent_id.func_string"):
        yield job("search", domain=[[name, "ilike", SECRET]])._replace(errors=("AccessError", "ValueError"))


def pressings(attacker):
    """Buttons on jobs of somebody else: alone, mixed with own ones, and by ids that are none."""
    for button in BUTTONS:
        yield job(button, [attacker.victim])
        yield job(button, [attacker.own, attacker.victim, attacker.failed])
    yield job("button_requeue", [attacker.failed])
    yield job("button_requeue_graph", [attacker.child, attacker.victim])
    yield job("button_cancel", [float(attacker.victim)])
    yield job("button_cancel", [str(attacker.victim)])._replace(errors=MISSING)
    yield job("button_cancel", [attacker.own, 2**31 - 1])._replace(errors=MISSING)
    yield job("button_cancel", [[attacker.victim]])._replace(errors=("AccessError", "TypeError"))


# What a function's settings might name as the related action of its jobs.
RELATED_ACTIONS = (
    ("sudo", {}),
    ("browse", {}),
    ("with_user", {"user": 1}),
    ("unlink", {}),
    ("copy", {}),
    ("write", {"vals": {"payload": FORGED}}),
    ("create", {"vals_list": [{"payload": FORGED}]}),
    ("web_save", {"vals": {"user_id": 1}, "specification": {}}),
    ("current", {}),
    ("related_records", {}),
    ("result_value", {}),
    ("set_progress", {"done": 1}),
    ("enqueue", {"model_name": "res.users", "method_name": "unlink"}),
    ("_store", {"values_list": [{"payload": FORGED}]}),
    ("_transition", {"change": "done"}),
    ("_gc_jobs", {}),
)
