import re
from pathlib import Path

import polib

from odoo.tests.common import BaseCase, TransactionCase

ROOT = Path(__file__).resolve().parents[2]
MODULES = ("job_worker", "job_worker_demo", "job_worker_monitor")
LANGUAGES = ("de", "fr", "es")
PLACEHOLDER = re.compile(r"%\(\w+\)s|%s")


class TestCatalogues(BaseCase):
    def catalogues(self):
        """``(template, catalogue)`` of each language of the modules that are translated."""
        for template in [ROOT / module / "i18n" / f"{module}.pot" for module in MODULES]:
            for language in LANGUAGES:
                path = template.with_name(f"{language}.po")
                with self.subTest(str(path.relative_to(ROOT))):
                    yield polib.pofile(str(template)), polib.pofile(str(path))

    def test_every_term_is_translated_and_none_is_left_over(self):
        for template, catalogue in self.catalogues():
            self.assertEqual({entry.msgid for entry in catalogue}, {entry.msgid for entry in template})
            self.assertEqual([entry.msgid for entry in catalogue if not entry.translated()], [])

    def test_no_translation_loses_a_placeholder(self):
        for _template, catalogue in self.catalogues():
            for entry in catalogue:
                wanted, found = (sorted(PLACEHOLDER.findall(text)) for text in (entry.msgid, entry.msgstr))
                self.assertEqual(found, wanted, entry.msgid)


class TestTranslation(TransactionCase):
    def test_people_read_in_their_language_why_a_job_waits(self):
        self.env["queue.worker"].search([]).unlink()
        partner = self.env["res.partner"].create({"name": "Translated"})
        job = partner.with_delay().read(["name"])
        for language, reason in (
            ("de_DE", "Kein Worker läuft"),
            ("fr_FR", "Aucun worker n'est en cours"),
            ("es_ES", "No hay ningún worker en marcha"),
        ):
            self.env["res.lang"]._activate_lang(language)
            self.env["ir.module.module"]._load_module_terms(["job_worker"], [language])
            self.assertEqual(job.with_context(lang=language).wait_reason, reason)
            job.invalidate_recordset()
