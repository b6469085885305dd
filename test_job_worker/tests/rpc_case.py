"""Odoo's doors to the outside behind one handle: a call goes in, a value or an error comes out."""

from datetime import timedelta
from typing import NamedTuple
from xmlrpc.client import Fault

from odoo import fields
from odoo.tests.common import HttpCase, get_db_name
from odoo.tools import mute_logger

ROUTES = {
    "json2": "/json/2/<__model__>/<__method__>",
    "session": "/web/dataset/call_kw/<path:path>",
    "xmlrpc": "/xmlrpc/2/<service>",
}
BUTTONS = ("button_", "action_")
XMLRPC_ERRORS = {2: "UserError", 3: "AccessDenied", 4: "AccessError"}
# Hundreds of refused calls would hide everything else in the log.
NOISY_LOGGERS = (
    "odoo.addons.base.models.ir_access",
    "odoo.addons.base.models.ir_model",
    "odoo.addons.base.models.ir_rule",
    "odoo.addons.rpc.controllers.xmlrpc",
    "odoo.http",
    "odoo.models",
    "odoo.sql_db",
    "py.warnings",
    "werkzeug",
)


class Answer(NamedTuple):
    """What came back: ``value``, or ``error``, the name of an exception's class."""

    value: object = None
    error: str = ""


class RpcCase(HttpCase):
    """Calls models over real HTTP, by API key, by session and by XML-RPC."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.api_keys = {}

    def setUp(self):
        super().setUp()
        self.session_user = None
        muted = mute_logger(*NOISY_LOGGERS)
        muted.__enter__()  # noqa: PLC2801  (a block would end before the test begins)
        self.addCleanup(muted.__exit__)

    def each_door(self):
        """Yield the name of each transport; one that this server has no route for is skipped, visibly."""
        routes = {rule.rule for rule in self.env["ir.http"].routing_map().iter_rules()}
        for door, route in ROUTES.items():
            with self.subTest(door=door):
                if route not in routes:
                    self.skipTest(f"This server has no route {route}: the module rpc is not installed")
                yield door

    def call(self, door, user, model, method, ids=None, **kwargs):
        """Call ``model.method(**kwargs)`` as ``user``.

        :param str door: one of :data:`ROUTES`
        :param ids: ids of the records to call it on; None for a method of the model
        :return: :class:`Answer`
        """
        return getattr(self, f"_call_{door}")(user, model, method, ids, kwargs)

    def _call_json2(self, user, model, method, ids, kwargs):
        self._open_session(None)
        response = self.url_open(
            f"/json/2/{model}/{method}",
            json={**kwargs, **({} if ids is None else {"ids": ids})},
            headers={"Authorization": f"bearer {self._api_key(user)}"},
        )
        body = response.json()
        return Answer(body) if response.ok else Answer(error=self._class_name(body["name"]))

    def _call_session(self, user, model, method, ids, kwargs):
        self._open_session(user)
        route = "call_button" if method.startswith(BUTTONS) else "call_kw"
        params = {"model": model, "method": method, "args": [] if ids is None else [ids], "kwargs": kwargs}
        body = self.url_open(f"/web/dataset/{route}/{model}.{method}", json=self.build_rpc_payload(params)).json()
        return (
            Answer(body["result"])
            if "result" in body
            else Answer(error=self._class_name(body["error"]["data"]["name"]))
        )

    def _call_xmlrpc(self, user, model, method, ids, kwargs):
        args = [] if ids is None else [ids]
        try:
            return Answer(
                self.xmlrpc_object.execute_kw(get_db_name(), user.id, self._api_key(user), model, method, args, kwargs)
            )
        except Fault as fault:
            # The fault of an exception without a code of its own is its traceback.
            last_line = fault.faultString.strip().splitlines()[-1]
            return Answer(error=XMLRPC_ERRORS.get(fault.faultCode) or self._class_name(last_line.split(":")[0]))

    def _open_session(self, user):
        if self.session_user != (login := user and user.login) or not self.session:
            self.authenticate(login, None)
            self.session_user = login

    def _api_key(self, user):
        if user.id not in self.api_keys:
            tomorrow = fields.Datetime.now() + timedelta(days=1)
            keys = self.env["res.users.apikeys"].with_user(user)
            self.api_keys[user.id] = keys._generate("rpc", "Attack", tomorrow)
        return self.api_keys[user.id]

    def _class_name(self, dotted):
        return dotted.rpartition(".")[2]
