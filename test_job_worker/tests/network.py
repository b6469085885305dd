"""Hosts of a test's own: network namespaces, each with a cable to this one that can be pulled."""

import os
import shutil
import subprocess

_PREFIX = "10.213"


def why_no_hosts():
    """Why namespaces can't be made here; empty when they can."""
    if os.geteuid() != 0:
        return "network namespaces take root"
    if not shutil.which("ip"):
        return "there is no ip program (package iproute2)"
    name = f"jwprobe{os.getpid()}"
    probe = subprocess.run(["ip", "netns", "add", name], capture_output=True, text=True, check=False)
    if probe.returncode:
        return f"no network namespace can be made: {probe.stderr.strip()}"
    _ip("netns", "del", name)
    return ""


class Host:
    """A network namespace and a pair of addresses of its own.

    :param int number: from 1; tells the hosts of a test apart
    """

    def __init__(self, number):
        self.name = f"jw{os.getpid()}h{number}"
        self._cable = f"jw{os.getpid() % 100_000}c{number}"
        self.server_address = f"{_PREFIX}.{number}.1"
        address = f"{_PREFIX}.{number}.2"
        _ip("netns", "add", self.name)
        _ip("link", "add", self._cable, "type", "veth", "peer", "name", "eth0", "netns", self.name)
        _ip("address", "add", f"{self.server_address}/30", "dev", self._cable)
        _ip("link", "set", self._cable, "up")
        self._inside("address", "add", f"{address}/30", "dev", "eth0")
        self._inside("link", "set", "eth0", "up")
        self._inside("link", "set", "lo", "up")

    @property
    def prefix(self):
        """The begin of a command that runs a program on this host."""
        return ["ip", "netns", "exec", self.name]

    def cut(self):
        _ip("link", "set", self._cable, "down")

    def mend(self):
        _ip("link", "set", self._cable, "up")

    def remove(self):
        _ip("link", "del", self._cable)
        _ip("netns", "del", self.name)

    def _inside(self, *arguments):
        _ip("-n", self.name, *arguments)


def _ip(*arguments):
    subprocess.run(["ip", *arguments], check=True, capture_output=True, timeout=30)
