"""The developer sandbox: an Odoo, a PostgreSQL and a worker in `.sandbox/`, made by one command.

Standard library only, since this code runs before anything is installed.
"""
