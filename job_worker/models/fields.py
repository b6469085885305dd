"""Field types that Odoo lacks."""

from odoo import fields


class BigInteger(fields.Integer):
    """An integer stored in 64 bits."""

    _column_type = ("int8", "int8")
