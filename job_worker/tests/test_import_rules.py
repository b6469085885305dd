import ast
from pathlib import Path

from odoo.tests.common import BaseCase

PACKAGE = Path(__file__).parent.parent
# What a part of the package may not import: data flows one way.
FORBIDDEN = {
    "engine": ("odoo", "job_worker.models", "job_worker.runtime", "job_worker.cli", "job_worker.delay"),
    "models": ("job_worker.engine.processes", "job_worker.cli"),
    "runtime": ("job_worker.models", "job_worker.cli"),
}


def imported_names(path):
    """Full names that a file imports; relative ones are resolved below ``job_worker``."""
    package = ("job_worker", *path.relative_to(PACKAGE).parent.parts)
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else ()
            prefix = ".".join((*base, *filter(None, [node.module])))
            yield prefix
            yield from (f"{prefix}.{alias.name}" for alias in node.names)


class TestImportRules(BaseCase):
    def test_no_part_imports_what_it_may_not_know(self):
        broken = [
            f"{path.relative_to(PACKAGE)} imports {name}"
            for part, forbidden in FORBIDDEN.items()
            for path in (PACKAGE / part).rglob("*.py")
            for name in imported_names(path)
            if any(name == rule or name.startswith(rule + ".") for rule in forbidden)
        ]
        self.assertEqual(broken, [])

    def test_the_rules_look_at_real_packages(self):
        for part in FORBIDDEN:
            self.assertTrue(list((PACKAGE / part).rglob("*.py")), part)
