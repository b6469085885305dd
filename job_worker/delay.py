"""The API that addon authors use to put method calls, and graphs of them, into the queue.

Everything is built in memory; ``delay()`` checks it as a whole and stores it at once.
"""

import logging

from .exception import JobGraphError
from .graph import ON_DONE, ON_ERROR, Graph, walk
from .options import check_options
from .spec import JobSpec

_logger = logging.getLogger(__name__)


def group(*members):
    """Jobs that may run at the same time, as one node of a graph.

    :param members: delayables, groups and chains
    :return: :class:`Group`
    """
    return Group(*members)


def chain(*members):
    """Jobs that run one after the other, each when the one before is done.

    :param members: delayables, groups and chains
    :return: :class:`Chain`
    """
    return Chain(*members)


class Node:
    """A delayable, a group or a chain: something that can have callbacks and be delayed."""

    _node_is_job = False

    def __init__(self):
        self._node_callbacks = []
        self._node_depends_on = []
        self._node_delayed = False

    def on_done(self, *nodes):
        """Run ``nodes`` when all of this is done; they are cancelled if it can't be."""
        return self._node_add_callbacks(ON_DONE, nodes)

    def on_error(self, *nodes):
        """Run ``nodes`` when a part of this has failed for good; they are cancelled if none does."""
        return self._node_add_callbacks(ON_ERROR, nodes)

    def delay(self):
        """Store this and all that follows from it in the queue.

        :return: the ``queue.job`` records of this node, without its callbacks
        :raise JobGraphError: there is a cycle, an empty group, a delayable without a method,
            a callback that belongs to another graph, or one identity key for several jobs
        :raise JobOptionError: an argument of a call can't be stored
        """
        for node in walk(self):
            node._node_delayed = True  # even if it fails below: a warning beside the error helps nobody
        graph = Graph(self)
        records = graph.jobs[0]._node_env["queue.job"]._enqueue_graph(graph)
        stored = dict(zip(graph.jobs, records, strict=False))
        return records.browse(stored[job].id for job in self._node_own_jobs() if job in stored)

    def _node_add_callbacks(self, kind, nodes):
        for node in nodes:
            if not isinstance(node, Node):
                raise JobGraphError(f"A callback must be a delayable, a group or a chain, not {node!r}")
            self._node_callbacks.append((kind, node))
            node._node_depends_on.append(self)
        return self

    # -- what Graph asks of a node: underscored, for all other names are methods to call --

    def _node_check(self):
        """Raise :class:`~.exception.JobGraphError` when this node can't be delayed."""

    def _node_heads(self):
        """The jobs of this node that start first."""
        raise NotImplementedError

    def _node_tails(self):
        """The jobs of this node that end last."""
        raise NotImplementedError

    def _node_own_jobs(self):
        """The jobs of this node in their order, without callbacks."""
        raise NotImplementedError

    def _node_reached(self):
        """The nodes directly inside or behind this one."""
        return [node for _kind, node in self._node_callbacks]

    def _node_links(self):
        """``(parents, children, kind)``: each of the parents is an edge to each of the children."""
        return [(self._node_tails(), node._node_heads(), kind) for kind, node in self._node_callbacks]


class Delayable(Node):
    """One call to enqueue: ``record.delayable(priority=5).method(args).delay()``.

    Any method of the records' model can be named; the call returns this object.
    """

    _node_is_job = True

    def __init__(self, records, **options):
        super().__init__()
        self._node_records = records
        self._node_options = check_options(options)
        self._node_call = None
        self._node_enqueued = False

    def set(self, *dicts, **options):
        """Set options, as keyword arguments or as a dict; see :meth:`queue.job.enqueue`."""
        for more in (*dicts, options):
            self._node_options.update(check_options(more))
        return self

    def split(self, size, chain=False):
        """Split the call into calls on ``size`` records each.

        :param int size: records per job, at least 1
        :param bool chain: run them one after the other, not at the same time
        :return: :class:`Group` or :class:`Chain`, with the callbacks of this delayable
        :raise JobGraphError: the size is below 1, or there is no method to call yet
        """
        if not isinstance(size, int) or size < 1:
            raise JobGraphError(f"split() needs at least 1 record per job, not {size!r}")
        if not self._node_call:
            raise JobGraphError(f"{self!r} can't be split: call its method first")
        records = self._node_records
        parts = [self._node_part(records[start : start + size]) for start in range(0, len(records), size)]
        whole = (Chain if chain else Group)(*parts)
        for kind, node in self._node_callbacks:
            node._node_depends_on.remove(self)
            whole._node_add_callbacks(kind, [node])
        self._node_delayed = True
        return whole

    def _node_part(self, records):
        part = Delayable(records)
        part._node_options = dict(self._node_options)
        part._node_call = self._node_call
        return part

    def __getattr__(self, method_name):
        if method_name.startswith("__"):
            raise AttributeError(method_name)

        def remember(*args, **kwargs):
            self._node_call = (method_name, list(args), kwargs)
            return self

        return remember

    def __repr__(self):
        method = f".{self._node_call[0]}" if self._node_call else ""
        ids = ", ".join(map(str, self._node_records._ids[:3])) + (", ..." if len(self._node_records) > 3 else "")
        description = f" {self._node_options['name']!r}" if "name" in self._node_options else ""
        return f"<Delayable {self._node_records._name}({ids}){method}{description}>"

    def __del__(self):
        if not self.__dict__.get("_node_delayed", True):
            _logger.warning("%r was prepared but never delayed: call delay() on it or on its graph", self)

    @property
    def _node_env(self):
        return self._node_records.env

    def _node_spec(self):
        """The :class:`~.spec.JobSpec` of this call."""
        return JobSpec(self._node_records, *self._node_call, self._node_options)

    def _node_check(self):
        if not self._node_call:
            raise JobGraphError(f"{self!r} has no method to call: delayable().method(...) names one")
        if self._node_enqueued:
            raise JobGraphError(f"{self!r} has been delayed before; a job can be part of one graph only")

    def _node_heads(self):
        return [self]

    def _node_tails(self):
        return [self]

    def _node_own_jobs(self):
        return [self]


class Group(Node):
    """See :func:`group`."""

    def __init__(self, *members):
        super().__init__()
        self._node_members = members
        for member in members:
            if not isinstance(member, Node):
                raise JobGraphError(f"A member of {self!r} must be a delayable, a group or a chain, not {member!r}")

    def __repr__(self):
        return f"<{type(self).__name__} of {len(self._node_members)}>"

    def _node_check(self):
        if not self._node_members:
            raise JobGraphError(f"{self!r} is empty: there is nothing to run")

    def _node_heads(self):
        return [job for member in self._node_members for job in member._node_heads()]

    def _node_tails(self):
        return [job for member in self._node_members for job in member._node_tails()]

    def _node_own_jobs(self):
        return [job for member in self._node_members for job in member._node_own_jobs()]

    def _node_reached(self):
        return [*self._node_members, *super()._node_reached()]


class Chain(Group):
    """See :func:`chain`."""

    def _node_heads(self):
        return self._node_members[0]._node_heads()

    def _node_tails(self):
        return self._node_members[-1]._node_tails()

    def _node_links(self):
        pairs = zip(self._node_members, self._node_members[1:], strict=False)
        return [*((first._node_tails(), then._node_heads(), ON_DONE) for first, then in pairs), *super()._node_links()]


class DelayableRecordset:
    """Records whose methods, when called, become jobs; what ``with_delay()`` returns."""

    __slots__ = ("_node_options", "_node_records")

    def __init__(self, records, options):
        self._node_options = check_options(options)
        self._node_records = records

    def __getattr__(self, method_name):
        if method_name.startswith("__"):
            raise AttributeError(method_name)

        def enqueue(*args, **kwargs):
            spec = JobSpec(self._node_records, method_name, list(args), kwargs, self._node_options)
            return self._node_records.env["queue.job"]._enqueue_specs([spec])

        return enqueue

    def __repr__(self):
        return f"<DelayableRecordset {self._node_records!r}>"
