"""From nested groups and chains to jobs and edges: checked, and in an order that can run."""

from .exception import JobGraphError

ON_DONE = "done"
ON_ERROR = "error"


def walk(root):
    """Yield all nodes that ``root`` reaches, each once; without recursion, for a chain may be long."""
    seen, to_visit = {id(root)}, [root]
    while to_visit:
        node = to_visit.pop()
        yield node
        for other in reversed(node._node_reached()):
            if id(other) not in seen:
                seen.add(id(other))
                to_visit.append(other)


class Graph:
    """What one ``delay()`` stores.

    ``jobs`` are the delayables in an order in which each comes after those it depends on;
    ``edges`` are ``(parent, child, kind)`` between them, each once.

    :param root: the node that ``delay()`` was called on
    :raise JobGraphError: the nodes don't make a graph that can run
    """

    def __init__(self, root):
        nodes = list(walk(root))
        self._check(nodes)
        self.jobs = [node for node in nodes if node._node_is_job]
        links = (link for node in nodes for link in node._node_links())
        self.edges = dict.fromkeys(
            (parent, child, kind) for parents, children, kind in links for parent in parents for child in children
        )
        self._sort()

    def _check(self, nodes):
        reached = set(map(id, nodes))
        for node in nodes:
            node._node_check()
            for parent in node._node_depends_on:
                if id(parent) not in reached:
                    raise JobGraphError(
                        f"{node!r} is also a callback of {parent!r}, which this delay() does not reach:"
                        " call delay() once, on a group of all that comes first"
                    )

    def _sort(self):
        """Order the jobs by their dependencies (Kahn's algorithm), else as they were met."""
        children = {job: [] for job in self.jobs}
        waiting_for = dict.fromkeys(self.jobs, 0)
        for parent, child, _kind in self.edges:
            children[parent].append(child)
            waiting_for[child] += 1
        ordered = [job for job in self.jobs if not waiting_for[job]]
        for job in ordered:
            for child in children[job]:
                waiting_for[child] -= 1
                if not waiting_for[child]:
                    ordered.append(child)
        if len(ordered) < len(self.jobs):
            stuck = next(job for job, count in waiting_for.items() if count)
            raise JobGraphError(f"{stuck!r} depends on itself, directly or through others")
        self.jobs = ordered
