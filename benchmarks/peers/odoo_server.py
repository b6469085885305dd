"""Odoo's server as a file: with workers it starts a part of itself again, by the name of its program."""

from odoo.cli.command import main

if __name__ == "__main__":
    main()
