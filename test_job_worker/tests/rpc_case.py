"""Odoo's doors to the outside behind one handle: a call goes in, a value or an error comes out."""

from datetime import timedelta
from typing import NamedTuple
from unittest.mock import patch
from xmlrpc.client import Fault

from odoo import fields
from odoo.tests.common import HttpCase, get_db_name, new_test_user
from odoo.tools import mute_logger

from odoo.addons.base.models import res_users

ROUTES = {
    "json2": "/json/2/<__model__>/<__method__>",
    "session": "/web/dataset/call_kw/<path:path>",
    "xmlrpc": "/xmlrpc/2/<service>",
}
BUTTONS = ("button_", "action_")
# A key is verified at each request, in as many rounds as it was hashed in.
CHEAP_HASH = res_users.CryptContext(["pbkdf2_sha512"], pbkdf2_sha512__rounds=1)
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

    @classmethod
    def make_user(cls, login, groups, **values):
        """A user with an API key of their own."""
        user = new_test_user(cls.env, login, groups=groups, **values)
        soon = fields.Datetime.now() + timedelta(hours=1)
        with patch.object(res_users, "KEY_CRYPT_CONTEXT", CHEAP_HASH):
            cls.api_keys[user.id] = cls.env["res.users.apikeys"].with_user(user)._generate("rpc", login, soon)
        return user

    def setUp(self):
        super().setUp()
        self.session_login = None
        self.enterContext(mute_logger(*NOISY_LOGGERS))

    def each_door(self):
        """Yield the name of each transport; one that this server has no route for is skipped, visibly."""
        routes = {rule.rule for rule in self.env["ir.http"].routing_map().iter_rules()}
        for door, route in ROUTES.items():
            if route in routes:
                yield door
            else:
                with self.subTest(door=door):
                    self.skipTest(f"This server has no route {route}: the module rpc is not installed")

    def call(self, door, user, model, method, ids=None, **kwargs):
        """Call ``model.method(**kwargs)`` as ``user``.

        :param str door: one of :data:`ROUTES`
        :param ids: ids of the records to call it on; None for a method of the model
        :return: :class:`Answer`
        """
        return getattr(self, f"_call_{door}")(user, model, method, ids, kwargs)

    def _call_json2(self, user, model, method, ids, kwargs):
        self.open_session(None)
        response = self.url_open(
            f"/json/2/{model}/{method}",
            json={**kwargs, **({} if ids is None else {"ids": ids})},
            headers={"Authorization": f"bearer {self.api_keys[user.id]}"},
        )
        body = response.json()
        return Answer(body) if response.ok else Answer(error=class_name(body["name"]))

    def _call_session(self, user, model, method, ids, kwargs):
        self.open_session(user)
        route = "call_button" if method.startswith(BUTTONS) else "call_kw"
        params = {"model": model, "method": method, "args": [] if ids is None else [ids], "kwargs": kwargs}
        response = self.url_open(f"/web/dataset/{route}/{model}.{method}", json=self.build_rpc_payload(params))
        body = response.json()
        if "error" in body:
            return Answer(error=class_name(body["error"]["data"]["name"]))
        return Answer(body.get("result"))

    def _call_xmlrpc(self, user, model, method, ids, kwargs):
        args = [] if ids is None else [ids]
        credentials = (get_db_name(), user.id, self.api_keys[user.id])
        try:
            return Answer(self.xmlrpc_object.execute_kw(*credentials, model, method, args, kwargs))
        except Fault as fault:
            # The fault of an exception without a code of its own is its traceback.
            last_line = fault.faultString.strip().splitlines()[-1]
            return Answer(error=XMLRPC_ERRORS.get(fault.faultCode) or class_name(last_line.split(":")[0]))

    def open_session(self, user):
        """Make ``user`` the one of the session, or nobody for None."""
        login = user and user.login
        if not self.session or self.session_login != login:
            self.authenticate(login, None)
            self.session_login = login


def class_name(dotted):
    return dotted.rpartition(".")[2]
