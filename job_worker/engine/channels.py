"""Channels: dotted names, of which `root` is above all others.

The jobs of ``exports.heavy`` count in ``exports.heavy``, in ``exports`` and in ``root``.
"""

from dataclasses import dataclass

ROOT = "root"


def check_channel(name):
    """Return ``name`` if it can be the name of a channel.

    :raise ValueError: it has an empty part, blanks around it, a comma, or begins with a dash
    """
    if not all(part.strip() == part != "" for part in name.split(".")):
        raise ValueError(f"{name!r} is no channel: a name has no blanks around it and no empty part between dots")
    if "," in name or name.startswith("-"):
        raise ValueError(f"{name!r} is no channel: a name has no comma and no dash at its begin")
    return name


def lineage(channel):
    """The channels that a job of ``channel`` counts in, itself last: ``root``, ``a``, ``a.b``."""
    parts = channel.split(".")
    names = [".".join(parts[:end]) for end in range(1, len(parts) + 1)]
    return names if parts[0] == ROOT else [ROOT, *names]


@dataclass(frozen=True)
class ChannelFilter:
    """Which channels a worker serves.

    :param included: channels that are served with all below them; all when empty
    :param excluded: channels that are left out with all below them, whatever is included
    """

    included: tuple = ()
    excluded: tuple = ()

    @classmethod
    def parse(cls, text):
        """Read names with commas between them, a dash before those to leave out.

        :param str text: such as ``exports,root.mail,-root.mail.bulk``; empty for all channels
        :raise ValueError: it names the part that is no channel, or says that nothing is left
        """
        included, excluded = [], []
        for part in filter(None, map(str.strip, (text or "").split(","))):
            if part.startswith("-"):
                excluded.append(check_channel(part[1:].strip()))
            else:
                included.append(check_channel(part))
        served = cls(tuple(included), tuple(excluded))
        if ROOT in excluded or (included and not any(map(served.serves, included))):
            raise ValueError(f"{text!r} leaves no channel to serve: all that it includes is excluded")
        return served

    def serves(self, channel):
        """Whether jobs of ``channel`` are for this worker."""
        above = lineage(channel)
        return (not self.included or any(name in above for name in self.included)) and not any(
            name in above for name in self.excluded
        )


ALL_CHANNELS = ChannelFilter()
