"""Field types that Odoo lacks."""

from odoo import fields


class BigInteger(fields.Integer):
    """An integer stored in 64 bits."""

    _column_type = ("int8", "int8")


def alias(field_type, name, label):
    """A second name of a field of the same model, for code written for OCA's queue_job.

    It is searchable and groupable like the field itself and takes no column.
    """
    return field_type(label, related=name, readonly=True)
