"""Takes the pictures. Run by the screenshots' Python: `shoot.py URL CHROMIUM DIRECTORY`."""

import re
import sys
from pathlib import Path

from PIL import Image
from playwright.sync_api import sync_playwright

FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"]
SIZES = {"wide": (1280, 800), "narrow": (500, 900)}
# Pages that are worth more than a screen.
HEIGHTS = {"dashboard": {"wide": 1900, "narrow": 2600}, "dashboard-month": {"wide": 1900, "narrow": 2600}}
READY_MILLISECONDS = 30_000
DARK_BUNDLE = "/web/assets/_______/web.assets_web_dark.min.css"
DARK_BACKGROUND = "#262a36"
# name: (path, what must be there, clicks that lead further)
SCREENS = {
    "jobs": ("/odoo/queue-jobs", ".o_data_row, .o_kanban_record", ()),
    "failed": ("/odoo/queue-jobs", ".o_data_row, .o_kanban_record", ("wide:header:has-text('Failed')",)),
    "job": ("/odoo/queue-jobs/{failed}", ".o_form_view .alert-danger", ()),
    "running": ("/odoo/queue-jobs/{running}", ".o_form_view", ()),
    "kanban": ("/odoo/queue-jobs", ".o_data_row, .o_kanban_record", ("wide:.o_switch_view.o_kanban",)),
    "more": (
        "/odoo/queue-jobs", ".o_data_row, .o_kanban_record", ("wide:.o_control_panel button:has-text('More ...')",),
    ),
    "graph": ("/odoo/queue-graph/{graph}", ".o_queue_graph_node", ()),
    "scheduled": ("/odoo/queue-scheduled", ".o_calendar_view", ()),
    "workers": ("/odoo/queue-workers", ".o_data_row, .o_list_view", ()),
    "channels": ("/odoo/queue-channels", ".o_data_row, .o_list_view", ()),
    "dashboard": ("/odoo/queue-dashboard", ".o_queue_tile", ()),
    "dashboard-month": ("/odoo/queue-dashboard", ".o_queue_tile", ("[data-span='30d']",)),
    "alerts": ("/odoo/queue-alerts", ".o_data_row, .o_kanban_record", ()),
    "alert": ("/odoo/queue-alerts/{alert}", ".o_form_view", ()),
    "rules": (
        "/odoo/action-job_worker_monitor.action_queue_alert_rule", ".o_data_row, .o_kanban_record", (),
    ),
    "scenarios": ("/odoo/queue-demo", ".o_kanban_record", ()),
    "scenario": ("/odoo/queue-demo/{scenario}", ".o_form_view", ()),
}


def main(url, chromium, directory, *ids):
    ids = dict(pair.split("=") for pair in ids)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        for scheme in ("light", "dark"):
            for size, (width, height) in SIZES.items():
                context = browser.new_context(viewport={"width": width, "height": height}, locale="en-US")
                page = _log_in(context, url)
                if scheme == "dark":
                    if not _has_dark(context, url):
                        return
                    _darken(context, url)
                for name in SCREENS:
                    _shoot(page, url, name, ids, size, Path(directory) / f"{name}-{size}-{scheme}")
                context.close()
        browser.close()


def _log_in(context, url):
    page = context.new_page()
    page.goto(f"{url}/web/login")
    page.fill("[name=login]", "admin")
    page.fill("[name=password]", "admin")
    page.click("form.oe_login_form button[type=submit]")
    page.wait_for_selector(".o_main_navbar")
    return page


def _has_dark(context, url):
    """Odoo's community edition has a bundle of that name, but no dark colours in it."""
    return DARK_BACKGROUND in context.request.get(url + DARK_BUNDLE, timeout=120_000).text().lower()


def _darken(context, url):
    context.add_cookies([{"name": "color_scheme", "value": "dark", "url": url}])
    style = re.compile(r"/web/assets/\w+/web\.assets_web\.min\.css")
    context.route(style, lambda route: route.fulfill(response=route.fetch(url=url + DARK_BUNDLE, timeout=120_000)))


def _shoot(page, url, name, ids, size, path):
    address, wanted, clicks = SCREENS[name]
    width, height = SIZES[size]
    page.set_viewport_size({"width": width, "height": HEIGHTS.get(name, {}).get(size, height)})
    page.goto(url + address.format(**ids))
    page.wait_for_selector(wanted, timeout=READY_MILLISECONDS)
    for click in clicks:
        selector = click.removeprefix("wide:")
        if selector == click or size == "wide":
            page.click(selector)
    page.wait_for_timeout(1500)  # animations
    for button in page.query_selector_all(".o_notification_close"):
        button.click()
    page.screenshot(path=f"{path}.png")
    Image.open(f"{path}.png").convert("RGB").quantize(128).save(f"{path}.png", optimize=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
