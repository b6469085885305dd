import json
import logging

from odoo import api, fields, models, tools
from odoo.exceptions import ValidationError

from ..exception import JobOptionError
from ..options import DEFAULTS, check_options, dump_retry_pattern

_RELATED_ACTION_KEYS = {"enable": bool, "func_name": str, "kwargs": dict}
# Options whose default for all jobs is a system parameter, with what holds while there is none.
GENERAL_DEFAULTS = {"priority": DEFAULTS["priority"], "max_retries": DEFAULTS["max_retries"], "timeout": 0}

_logger = logging.getLogger(__name__)


class QueueJobFunction(models.Model):
    """Defaults of the jobs of one method, so that an addon can configure its jobs as data."""

    _name = "queue.job.function"
    _description = "Queue Job Function"
    _order = "model_id, method"

    name = fields.Char(compute="_compute_name", store=True, index=True)
    model_id = fields.Many2one("ir.model", "Model", required=True, ondelete="cascade")
    method = fields.Char(required=True)
    channel = fields.Char(help="Empty for the default, root.")
    priority = fields.Integer(default=-1, help="Lower runs first; -1 for the default of all jobs.")
    max_retries = fields.Integer(default=-1, help="0 for no end; -1 for the default of all jobs.")
    timeout = fields.Integer(help="Seconds that an attempt may take; 0 for the default of all jobs, -1 for no limit.")
    concurrency_key = fields.Char(help="Jobs with the same key never run at the same time; empty for none.")
    batch_size = fields.Integer(
        help="How many of these jobs may run in one transaction, when they are short; 0 or 1 for one each."
    )
    retry_pattern = fields.Json(help='Seconds to wait by number of the failed attempt: {"1": 10, "5": 600}.')
    related_action = fields.Json(
        help='What opens from a job: {"enable": false}, or {"func_name": "a_method_of_queue_job", "kwargs": {}}.'
    )

    _function_unique = models.Constraint("UNIQUE(model_id, method)", "This method has its defaults already.")

    @api.depends("model_id.model", "method")
    def _compute_name(self):
        for function in self:
            function.name = f"<{function.model_id.model}>.{function.method}"

    @api.constrains("channel", "priority", "max_retries", "timeout", "concurrency_key", "retry_pattern")
    def _check_options(self):
        for function in self:
            try:
                function._make_defaults()
            except JobOptionError as error:
                raise ValidationError(
                    self.env._("%(function)s: %(error)s", function=function.name, error=error)
                ) from error

    @api.constrains("related_action")
    def _check_related_action(self):
        for function in self:
            for key, value in (function.related_action or {}).items():
                if not isinstance(value, _RELATED_ACTION_KEYS.get(key, ())):
                    raise ValidationError(
                        self.env._(
                            "%(function)s: the related action may have enable (true or false), func_name (text) and"
                            " kwargs (a dict), not %(key)s: %(value)s",
                            function=function.name,
                            key=key,
                            value=value,
                        )
                    )

            if (function.related_action or {}).get("func_name") == "action_open_related":
                raise ValidationError(self.env._("%s: the related action can't be itself.", function.name))

    def _make_defaults(self):
        """The options of this function that differ from the general ones, as stored values.

        :raise JobOptionError: one of them can't be; it is named
        """
        options = {
            "channel": self.channel or None,
            "priority": None if self.priority == -1 else self.priority,
            "max_retries": None if self.max_retries == -1 else self.max_retries,
            "timeout": 0 if self.timeout == -1 else self.timeout or None,
            "batch_size": self.batch_size or None,
            "concurrency_key": self.concurrency_key or None,
        }
        checked = check_options(options)
        if self.retry_pattern:
            checked["retry_pattern"] = dump_retry_pattern("retry_pattern", self.retry_pattern)
        return checked

    @api.model
    @tools.ormcache("model_name", "method_name")
    def _get_defaults(self, model_name, method_name):
        """Stored option values for jobs of a method: its own, else those of all jobs."""
        # A change of a system parameter clears this cache too.
        general = {name: self._get_general_default(name) for name in GENERAL_DEFAULTS}
        function = self._get_function(model_name, method_name)
        return {**DEFAULTS, **general, **(function._make_defaults() if function else {})}

    @api.model
    def _get_general_default(self, name):
        """The default of all jobs for one of :data:`GENERAL_DEFAULTS`; a parameter that can't be read is none."""
        key = f"job_worker.default_{name}"
        text = self.env["ir.config_parameter"].sudo().get_param(key)
        if not text:
            return GENERAL_DEFAULTS[name]
        try:
            return check_options({name: int(text)})[name]
        except (ValueError, JobOptionError):
            _logger.warning("The system parameter %s is no whole number from 0 but %r: it is ignored", key, text)
            return GENERAL_DEFAULTS[name]

    @api.model
    def _get_function(self, model_name, method_name):
        return self.sudo().search([("name", "=", f"<{model_name}>.{method_name}")], limit=1)

    @api.model_create_multi
    def create(self, vals_list):
        self.env.registry.clear_cache()
        return super().create([self._read_text(vals) for vals in vals_list])

    def write(self, vals):
        self.env.registry.clear_cache()
        return super().write(self._read_text(vals))

    def unlink(self):
        self.env.registry.clear_cache()
        return super().unlink()

    @api.model
    def _read_text(self, vals):
        """Take JSON fields as text too: what a person types, and XML without ``eval``."""
        vals = dict(vals)
        for name in ("retry_pattern", "related_action"):
            if isinstance(vals.get(name), str):
                try:
                    vals[name] = json.loads(vals[name]) if vals[name].strip() else False
                except ValueError as error:
                    raise ValidationError(
                        self.env._("%(field)s is not valid JSON: %(error)s", field=name, error=error)
                    ) from error
            if vals.get(name):
                vals[name] = json.loads(json.dumps(vals[name]))  # the whole numbers of a dict's keys become text
        return vals
