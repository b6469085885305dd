from odoo.tests import tagged

from .common import MonitorCase


@tagged("post_install", "-at_install")
class TestTranslation(MonitorCase):
    def test_people_read_in_their_language_how_the_queue_is(self):
        for language, text in (
            ("de_DE", "Kein Worker läuft: Nichts wird ausgeführt."),
            ("fr_FR", "Aucun worker n'est en cours : rien n'est exécuté."),
            ("es_ES", "No hay ningún worker en marcha: no se ejecuta nada."),
        ):
            self.env["res.lang"]._activate_lang(language)
            self.env["ir.module.module"]._load_module_terms(["job_worker_monitor"], [language])
            dashboard = self.env["queue.monitor"].with_context(lang=language).get_dashboard("1h")
            self.assertEqual(dashboard["health"]["text"], text)
