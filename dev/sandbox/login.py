"""Log in as a person would, to be sure that what is printed works."""

import http.cookiejar
import re
import urllib.error
import urllib.parse
import urllib.request

from .errors import SandboxError

_LIMIT_SECONDS = 120  # the first page compiles the web client
_TOKEN = re.compile(r'name="csrf_token" value="([^"]+)"')
_BUNDLE = re.compile(r'src="(/web/assets/[^"]+/web\.assets_web\.min\.js)"')


def check(url, login, password):
    """Open the login page, log in, and fetch the web client.

    Raises SandboxError when a page is missing or the login is refused.
    """
    browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar()))
    token = _find(_TOKEN, _fetch(browser, f"{url}/web/login"), "login form", url)
    form = {"csrf_token": token, "login": login, "password": password, "redirect": "/odoo"}
    client = _fetch(browser, f"{url}/web/login", urllib.parse.urlencode(form).encode())
    _fetch(browser, url + _find(_BUNDLE, client, "web client", url))


def _fetch(browser, url, data=None):
    try:
        with browser.open(url, data, timeout=_LIMIT_SECONDS) as answer:
            return answer.read().decode(errors="replace")
    except (urllib.error.URLError, OSError) as error:
        raise SandboxError(f"{url} can't be opened: {error}.", remedy="look into .sandbox/logs/odoo.log") from error


def _find(pattern, page, what, url):
    found = pattern.search(page)
    if not found:
        raise SandboxError(f"There is no {what} at {url} after logging in.", remedy="look into .sandbox/logs/odoo.log")
    return found[1]
