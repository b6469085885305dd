from odoo.tests import tagged

from .page_case import PageCase

BADGE = """[...document.querySelectorAll('.o_data_row')].find(row => row.innerText.includes('{name}'))
           ?.querySelector('[name=state]').innerText.trim() === '{state}'"""


@tagged("post_install", "-at_install")
class TestLivePage(PageCase):
    """What a person sees who only looks, while a real worker runs jobs."""

    def see_state(self, name, state):
        self.see(BADGE.format(name=name, state=state))

    def mark_page(self):
        """Note something in the page that a reload would lose."""
        self.look("window.notReloaded = true")

    def assertNotReloaded(self):
        self.assertTrue(self.look("window.notReloaded"), "The page was loaded again")

    def test_a_list_follows_what_a_worker_does(self):
        self.enqueue_act("quick", description="Quick job")
        self.enqueue_act("halfway", "progress", 3600, description="Long job", priority=20)
        self.enqueue_act("broken", "fail", description="Broken job")
        self.open("/odoo/queue-jobs", ".o_data_row")
        self.mark_page()
        for name in ("Quick job", "Long job", "Broken job"):
            self.see_state(name, "Pending")
        self.start_worker()
        self.see_state("Quick job", "Done")
        self.see_state("Broken job", "Failed")
        self.see_state("Long job", "Started")
        self.see("document.querySelector('.o_data_row .o_progressbar')?.innerText.includes('50')")
        self.assertNotReloaded()

    def test_a_form_follows_its_job_and_the_failure_is_told_on_screen(self):
        with self.committed() as env:
            ledger = env["queue.test.ledger"].with_user(env.ref("base.user_admin"))
            job = ledger.with_delay(description="Broken job").act("broken", "fail")
            job_id = job.id
        self.open(f"/odoo/queue-jobs/{job_id}", ".o_form_view")
        self.mark_page()
        self.see("document.querySelector('[name=wait_reason]')?.innerText.includes('No worker is running')")
        self.start_worker()
        self.see("document.querySelector('.o_form_view .alert-danger')?.innerText.includes(\"can't succeed\")")
        self.see("document.querySelector('.o_arrow_button_current')?.innerText.includes('Failed')")
        with self.committed() as env:
            env["queue.job"]._tell_failures()
        self.see("document.querySelector('.o_notification')?.innerText.includes('A background job failed')")
        self.assertNotReloaded()
