"""Asks or drops a database. Run by the sandbox's Python: `database.py CONF COMMAND NAME`; prints JSON."""

import configparser
import json
import sys

import psycopg2
from psycopg2 import sql


def main(conf, command, name):
    answer = {"exists": exists, "drop": drop, "modules": modules}[command](connection_options(conf), name)
    print(json.dumps(answer))


def connection_options(conf):
    """What Odoo would connect with."""
    parser = configparser.RawConfigParser()
    parser.read(conf)
    options = parser["options"]
    names = ("host", "port", "user", "password", "sslmode")
    return {name: options[f"db_{name}"] for name in names if f"db_{name}" in options}


def connect(options, name):
    connection = psycopg2.connect(dbname=name, connect_timeout=10, **options)
    connection.autocommit = True
    return connection


def exists(options, name):
    """True or false."""
    with connect(options, "postgres").cursor() as cursor:
        cursor.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name])
        return bool(cursor.fetchone())


def drop(options, name):
    """Drop it whoever is connected; true."""
    with connect(options, "postgres").cursor() as cursor:
        cursor.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))
    return True


def modules(options, name):
    """{module: state} of the installed modules and those in between."""
    with connect(options, name).cursor() as cursor:
        cursor.execute("SELECT name, state FROM ir_module_module WHERE state NOT LIKE 'un%'")
        return dict(cursor.fetchall())


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except psycopg2.Error as error:
        sys.exit(" ".join(str(error).split()))
