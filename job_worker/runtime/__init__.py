"""The one bridge between the engine and Odoo: environments, payloads, running a job."""
