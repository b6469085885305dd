import hmac
from ipaddress import ip_address, ip_network

from werkzeug.exceptions import NotFound

from odoo import SUPERUSER_ID, http
from odoo.http import request

from ..metrics.exposition import expose
from ..models.res_config_settings import NETWORKS, TOKEN, parse_networks

MISSING = "The metrics need the Python library prometheus_client: pip install prometheus_client\n"


class MetricsController(http.Controller):
    # The scraper has no session; what it may is decided below. Sessions are not saved for it either.
    @http.route("/job_worker/metrics", type="http", auth="none", methods=["GET"], save_session=False)
    def metrics(self):
        """Metrics for Prometheus: 404 while it is not configured, 401 for who may not read them."""
        env = request.env(user=SUPERUSER_ID)
        parameters = env["ir.config_parameter"]
        token, networks = parameters.get_param(TOKEN), parse_networks(parameters.get_param(NETWORKS))
        if not token and not networks:
            raise NotFound()
        if not (_brings(token) or _comes_from(networks)):
            return _answer("Bring the token, or come from a network of the settings.\n", 401, [_CHALLENGE])
        try:
            content, content_type = expose(
                env["queue.metric"]._snapshot(), request.httprequest.headers.get("Accept", "")
            )
        except ImportError:
            return _answer(MISSING, 503)
        return request.make_response(content, [("Content-Type", content_type), ("Cache-Control", "no-store")])


_CHALLENGE = ("WWW-Authenticate", 'Bearer realm="job_worker"')


def _brings(token):
    """Whether the request has the token; compared in a time that tells nothing of it."""
    scheme, _space, given = request.httprequest.headers.get("Authorization", "").partition(" ")
    if not token or scheme.lower() != "bearer":
        return False
    return hmac.compare_digest(given.strip().encode(), token.encode())


def _comes_from(networks):
    try:
        address = ip_address(request.httprequest.remote_addr or "")
        return any(address in ip_network(network) for network in networks)
    except ValueError:
        return False


def _answer(text, status, headers=()):
    return request.make_response(text, [("Content-Type", "text/plain; charset=utf-8"), *headers], status=status)
