"""The examples of the documentation are run, so that they can't lie.

The ```python blocks of a page are run in order, in one namespace, in the transaction of a test:
their ``assert`` lines are the expected results. ``<!-- docs-test: compile -->`` right before a
block keeps it from being run: it is code for a file of an addon, and is compiled only. In
```xml blocks the records of ``queue.job.function`` are loaded.
"""

import io
import re
import textwrap
from datetime import timedelta
from pathlib import Path
from typing import NamedTuple
from unittest import SkipTest
from unittest.mock import patch

from lxml import etree
from lxml.builder import E

from odoo.models import LOG_ACCESS_COLUMNS
from odoo.tests.common import TransactionCase
from odoo.tools.convert import convert_xml_import

from ..options import _CHECKS as OPTIONS

ROOT = Path(__file__).resolve().parents[2]
PAGES = ("usage.md", "graphs.md", "limits.md", "testing.md", "reference.md")
# What the examples call on partners, as if an addon had added it; each returns the number of records.
EXAMPLE_METHODS = ("_prepare", "_export", "_send", "_notify", "_repair")

_FENCE = re.compile(r"^( *)```(\S*)")
_MARKER = re.compile(r"<!--\s*docs-test:\s*(.*?)\s*-->")
_FIELD_ROW = re.compile(r"^\| `(\w+)` \| (\w+) \|", re.MULTILINE)


class DocsError(Exception):
    """A page is not written as the test can read it."""


class Block(NamedTuple):
    page: str
    line: int
    language: str
    marker: str
    code: str

    def compile(self):
        """Compiled so that a traceback shows the page and its line."""
        return compile("\n" * self.line + self.code, str(ROOT / self.page), "exec")


def read_blocks(page, text):
    """The blocks of Python and XML in the Markdown ``text``.

    :raise DocsError: a marker is unknown or has no block, or a block has no end
    """
    blocks, marker = [], ""
    lines = iter(enumerate(text.splitlines(), start=1))
    for number, line in lines:
        fence, found = _FENCE.match(line), _MARKER.search(line)
        if fence:
            code = _read_code(lines, fence[1], f"{page}, line {number}")
            if fence[2] in ("python", "xml"):
                blocks.append(Block(page, number, fence[2], marker, code))
            if fence[2] == "python":
                marker = ""
        if marker and (fence or line.strip()):
            raise DocsError(f"{page}, line {number}: the marker before it belongs right before a block of Python")
        if found:
            marker = found[1]
            if marker != "compile":
                raise DocsError(f"{page}, line {number}: unknown marker {marker!r}")
    if marker:
        raise DocsError(f"{page}: the last marker has no block")
    return blocks


def _read_code(lines, indent, where):
    code = []
    for _number, line in lines:
        if line.rstrip() == f"{indent}```":
            return textwrap.dedent("\n".join(code)) + "\n"
        code.append(line)
    raise DocsError(f"{where}: the block has no end")


def _example_method(name):
    def method(records, *args, **kwargs):
        return len(records)

    method.__name__ = name
    return method


class TestDocs(TransactionCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        if not any((ROOT / "docs" / name).is_file() for name in PAGES):
            raise SkipTest(f"job_worker is installed without its documentation: it is not in {ROOT / 'docs'}")

    def test_the_examples_of_the_readme_hold(self):
        self._run_page("README.md")

    def test_the_examples_of_usage_hold(self):
        self._run_page("docs/usage.md")

    def test_the_examples_of_graphs_hold(self):
        self._run_page("docs/graphs.md")

    def test_the_examples_of_limits_hold(self):
        self._run_page("docs/limits.md")

    def test_the_examples_of_testing_hold(self):
        self._run_page("docs/testing.md")

    def test_the_examples_of_the_reference_hold(self):
        self._run_page("docs/reference.md")

    def test_the_reference_has_every_field_and_option(self):
        text = (ROOT / "docs/reference.md").read_text(encoding="utf-8")
        fields = self.env["queue.job"]._fields
        documented = dict(_FIELD_ROW.findall(text.partition("## Fields")[2].partition("\n## ")[0]))
        wrong = {name: type_ for name, type_ in documented.items() if name not in fields or fields[name].type != type_}
        self.assertFalse(wrong, "They have another type, or are no fields")
        own = {name for name, field in fields.items() if "job_worker" in field._modules} - set(LOG_ACCESS_COLUMNS)
        self.assertEqual(own - set(documented), set())
        options = text.partition("## Options")[2].partition("\n## ")[0]
        self.assertEqual({name for name in OPTIONS if f"| `{name}`" not in options}, set())

    def test_pages_that_can_not_be_tested_are_refused(self):
        for reason, text in (
            ("unknown marker 'skip'", "<!-- docs-test: skip -->\n```python\n```\n"),
            ("right before a block", "<!-- docs-test: compile -->\ntext\n```python\n```\n"),
            ("right before a block", "<!-- docs-test: compile -->\n```sh\n```\n"),
            ("right before a block", "<!-- docs-test: compile -->\n```xml\n<odoo/>\n```\n"),
            ("no block", "<!-- docs-test: compile -->\n"),
            ("no end", "```python\n1\n"),
        ):
            with self.subTest(reason), self.assertRaisesRegex(DocsError, reason):
                read_blocks("page.md", text)
        (block,) = read_blocks("page.md", "1. item\n\n   <!-- docs-test: compile -->\n   ```python\n   x = 1\n   ```\n")
        self.assertEqual(block, Block("page.md", 4, "python", "compile", "x = 1\n"))

    def _run_page(self, page):
        blocks = read_blocks(page, (ROOT / page).read_text(encoding="utf-8"))
        self.assertTrue([block for block in blocks if block.language == "python"], f"{page} has no examples")
        methods = {name: _example_method(name) for name in EXAMPLE_METHODS}
        namespace = self._make_namespace()
        with patch.multiple(type(self.env["res.partner"]), create=True, **methods):
            for block in blocks:
                with self.subTest(page=page, line=block.line), self.cr.savepoint():
                    self._run_block(block, namespace)

    def _run_block(self, block, namespace):
        if block.language == "xml":
            self._load_functions(block)
        elif block.marker == "compile":
            block.compile()
        else:
            exec(block.compile(), namespace)

    def _load_functions(self, block):
        functions = etree.fromstring(block.code).xpath("//record[@model='queue.job.function']")
        if functions:
            data = io.BytesIO(etree.tostring(E.odoo(*functions)))
            data.name = f"{block.page}, line {block.line}"
            convert_xml_import(self.env, "job_worker", data)

    def _make_namespace(self):
        """What the examples find there: a test case, its environment, and records."""
        partners = self.env["res.partner"].create([{"name": name} for name in ("One", "Two", "Three")])
        return {
            "__name__": "docs",
            "self": self,
            "env": self.env,
            "partner": partners[0],
            "partners": partners,
            "order": partners[1],  # of the README
            "timedelta": timedelta,  # of the README
        }
