"""Odoo 19 from Debian's archive, unpacked without root and without touching the system's apt."""

import shutil
from pathlib import Path

from . import commands
from .errors import SandboxError

SUITE = "sid"
KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"

# The package replaces some web libraries and fonts by links into these. Font Awesome has the file
# names that Odoo's icons ask for in bookworm only (4.7).
PACKAGES = {
    SUITE: (
        "odoo-19",
        "libjs-jquery",
        "libjs-jquery-form",
        "libjs-underscore",
        "fonts-roboto-unhinted",
        "fonts-montserrat",
        "fonts-inconsolata",
        "fonts-ocr-b",
    ),
    "bookworm": ("fonts-font-awesome",),
}

# web, mail, bus, what they need, and what a plain Odoo adds to them: the rest is 1 GB of business.
ADDONS = (
    "api_doc",
    "auth_signup",
    "auth_totp",
    "auth_totp_mail",
    "base",
    "base_import",
    "base_import_module",
    "base_setup",
    "base_sparse_field",
    "bus",
    "html_editor",
    "http_routing",
    "iap",
    "mail",
    "rpc",
    "sales_team",
    "web",
    "web_tour",
)
# base refers to module categories that these manifests (and sales_team's) bring. They can't be installed
# here: Odoo says which module they miss.
MANIFESTS = ("hr_timesheet", "mass_mailing", "project")
_LIBRARY = "usr/lib/python3/dist-packages"


class Unavailable(Exception):
    """Why Debian's package can't be had, in one line."""


def package_directory(sandbox):
    """Where the `odoo` package is once it was fetched."""
    return _tree(sandbox) / _LIBRARY / "odoo"


def fetch(sandbox, console):
    """Download and unpack; returns the `odoo` package's directory."""
    _require_tools()
    mirror = _mirror()
    apt = _PrivateApt(sandbox, mirror)
    try:
        with console.step(f"Reading Debian's package lists ({SUITE})"):
            apt.update()
        with console.step("Downloading Odoo 19 from Debian") as step:
            archives = apt.download(step)
        with console.step("Unpacking Odoo 19") as step:
            _unpack_all(sandbox, archives, step)
    except SandboxError as error:
        raise Unavailable(f"{error} See {error.log}.") from error
    shutil.rmtree(apt.directory)
    return package_directory(sandbox)


def _require_tools():
    for tool in ("apt-get", "dpkg-deb", "tar"):
        if not shutil.which(tool):
            raise Unavailable(f"no {tool} on this machine")


def _mirror():
    """The mirror that this machine's own apt uses."""
    query = ["apt-get", "indextargets", "--format", "$(ORIGIN) $(LABEL) $(COMPONENT) $(REPO_URI)"]
    try:
        targets = commands.output_of([*query, "Created-By: Packages"]).splitlines()
    except commands.FAILURES as error:
        raise Unavailable(f"apt-get indextargets: {commands.first_line_of_error(error)}") from error
    for target in targets:
        origin, label, component, uri = (target.split() + [""] * 4)[:4]
        if (origin, label, component) == ("Debian", "Debian", "main"):
            return uri
    raise Unavailable("apt knows no Debian mirror here, or has never run `apt-get update`")


class _PrivateApt:
    """apt-get with lists, caches and sources of its own."""

    def __init__(self, sandbox, mirror):
        self.directory = sandbox.odoo / "apt"
        self._logs = sandbox.logs
        for name in ("lists/partial", "cache/archives/partial", "download"):
            (self.directory / name).mkdir(parents=True, exist_ok=True)
        signed = f"[signed-by={KEYRING}] " if Path(KEYRING).exists() else ""
        sources = [f"deb {signed}{mirror} {suite} main\n" for suite in PACKAGES]
        (self.directory / "sources.list").write_text("".join(sources))

    def update(self):
        self._run("update", log="odoo-apt-update.log", timeout=300)

    def download(self, step):
        """Fetch the packages; returns their files. apt checks them against the signed lists."""
        names = [f"{name}/{suite}" for suite, group in PACKAGES.items() for name in group]
        step.detail("about 130 MB")
        folder = self.directory / "download"
        self._run("download", *names, log="odoo-apt-download.log", timeout=1800, cwd=folder)
        return sorted(folder.glob("*.deb"))

    def _run(self, *arguments, log, **options):
        commands.run(
            ["apt-get", "--quiet", *self._options(), *arguments],
            what=f"apt-get {arguments[0]}",
            log=self._logs / log,
            **options,
        )

    def _options(self):
        settings = {
            "Dir::Etc::sourcelist": self.directory / "sources.list",
            "Dir::Etc::sourceparts": "-",
            "Dir::State": self.directory,
            "Dir::State::Lists": self.directory / "lists",
            "Dir::Cache": self.directory / "cache",
            "Dir::Cache::pkgcache": "",
            "Dir::Cache::srcpkgcache": "",
            "Acquire::Languages": "none",
            "Acquire::Retries": "2",
            "Acquire::http::Timeout": "30",
            "APT::Update::Error-Mode": "any",
            "APT::Sandbox::User": "root",  # root alone would hand over to a user who can't read here
        }
        return [part for name, value in settings.items() for part in ("-o", f"{name}={value}")]


def _unpack_all(sandbox, archives, step):
    with sandbox.building(_tree(sandbox)) as target:
        target.mkdir()
        for archive in archives:
            name = archive.name.split("_")[0]
            step.detail(name)
            _unpack(sandbox, archive, target, _odoo_members() if name == "odoo-19" else ["./usr/share"])


def _unpack(sandbox, archive, target, members):
    pipeline = 'dpkg-deb --fsys-tarfile "$1" | tar --extract --file - --no-same-owner --wildcards "${@:2}"'
    options = ["--directory", target, "--exclude=*/i18n/*", "--exclude=*/i18n_extra/*", *members]
    commands.run(
        ["bash", "-c", f"set -o pipefail; {pipeline}", "unpack", archive, *options],
        what=f"Unpacking {archive.name}",
        log=sandbox.logs / "odoo-unpack.log",
        timeout=300,
        remedy="see that the disk has 2 GB of room, then start again",
    )


def _odoo_members():
    """tar patterns: the server whole, of its addons only ours."""
    package = f"./{_LIBRARY}/odoo"
    addons = [f"{package}/addons/{name}" for name in ADDONS]
    manifests = [f"{package}/addons/{name}/__manifest__.py" for name in MANIFESTS]
    return [f"{package}/[!a]*", f"{package}/a[!d]*", *addons, *manifests]


def _tree(sandbox):
    return sandbox.odoo / "debian"
