"""What is timed. It runs in Odoo's shell, with job_worker or with its peer on the addons path."""

RESULT = "BENCHMARK-RESULT:"  # begins the line of the answer, among what Odoo logs
