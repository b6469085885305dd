"""The graph of a job as a picture: nodes and edges, with equal siblings collapsed.

A graph may have 10,000 jobs, a picture that is of use some dozens of nodes. Jobs that look the same
from everywhere in the graph (same function, same depth, the same kinds of neighbours) become one
node with counts by state, which can be opened.
"""

from collections import Counter, defaultdict

from odoo import api, models

from ..engine.states import STATES

JOBS_LIMIT = 20000
# Fewer equal siblings than this are shown one by one.
COLLAPSE_FROM = 5
# Of an opened node so many are shown one by one; the rest stays together.
OPENED_LIMIT = 200
# Each round looks one edge further from a job; what differs only beyond that counts as the same.
ROUNDS = 8


class QueueJob(models.Model):
    _inherit = "queue.job"

    def graph_picture(self, opened=()):
        """The graph of this job for the client: what the current user may see of it.

        :param opened: keys of collapsed nodes to show one by one
        :return: dict of ``nodes`` (``key``, ``id``, ``name``, ``function``, ``state``, ``layer``, ``count``,
            ``states``: ``{state: count}``), ``edges`` (``from``, ``to``, ``kind``), ``total`` (jobs),
            ``shown`` (jobs that were looked at, at most :data:`JOBS_LIMIT`) ``labels`` of the states and ``title``
        """
        self.ensure_one()
        self.check_access("read")
        domain = [("graph_uuid", "=", self.graph_uuid)] if self.graph_uuid else [("id", "=", self.id)]
        fnames = ["name", "uuid", "state", "model_name", "method_name"]
        jobs = self.search_fetch(domain, fnames, order="id", limit=JOBS_LIMIT)
        edges = self._graph_edges(jobs)
        labels = {job.id: (f"{job.model_name}.{job.method_name}", job.id == self.id) for job in jobs}
        groups = collapse(labels, edges, set(opened))
        nodes = [self._picture_node(self.browse(ids), key, layer) for key, layer, ids in groups]
        return {
            "nodes": nodes,
            "edges": _edges_between(groups, edges),
            "total": self.search_count(domain) if len(jobs) == JOBS_LIMIT else len(jobs),
            "shown": len(jobs),
            "title": self._graph_title(),
            "current": self.id,
            "graph_uuid": self.graph_uuid,
            "labels": dict(self._fields["state"]._description_selection(self.env)),
        }

    def _graph_title(self):
        return self.env._("Graph of %s", self.name or self.uuid)

    @api.model
    def _graph_edges(self, jobs):
        Edge = self.env["queue.job.dependency"]
        found = Edge.search_fetch([("job_id", "in", jobs.ids)], ["job_id", "depends_on_id", "kind"])
        ids = set(jobs.ids)
        return [(edge.depends_on_id.id, edge.job_id.id, edge.kind) for edge in found if edge.depends_on_id.id in ids]

    @api.model
    def _picture_node(self, jobs, key, layer):
        first = jobs[0]
        counts = Counter(jobs.mapped("state"))
        return {
            "key": key,
            "id": first.id if len(jobs) == 1 else False,
            "name": first.name or first.uuid,
            "function": f"{first.model_name}.{first.method_name}",
            "state": first.state if len(jobs) == 1 else False,
            "layer": layer,
            "count": len(jobs),
            # In one order, so that the parts of a bar stay where they are.
            "states": {state: counts[state] for state, _label in STATES if counts[state]},
        }


def collapse(labels, edges, opened=()):
    """Group the jobs of a graph that look the same from everywhere in it.

    :param dict labels: job id to something hashable; jobs with different ones are never grouped
    :param edges: list of ``(parent id, child id, kind)`` between them, without cycles
    :param opened: keys of groups whose jobs are shown one by one
    :return: list of ``(key, layer, [job ids])`` in order of layer, then id; a layer is the
        longest way from a job that waits for none
    """
    layers = depths(labels, edges)
    colors = _refine({id_: (label, layers[id_]) for id_, label in labels.items()}, edges)
    members = defaultdict(list)
    for id_ in labels:
        members[colors[id_]].append(id_)
    groups = []
    for ids in members.values():
        groups += _split(ids, layers[ids[0]], opened)
    return sorted(groups, key=lambda group: (group[1], group[2][0]))


def depths(ids, edges):
    """The longest way from a job that waits for none, by id (Kahn's algorithm)."""
    children, waiting_for = defaultdict(list), dict.fromkeys(ids, 0)
    for parent, child, _kind in edges:
        children[parent].append(child)
        waiting_for[child] += 1
    result = dict.fromkeys(ids, 0)
    ready = [id_ for id_ in ids if not waiting_for[id_]]
    for id_ in ready:
        for child in children[id_]:
            result[child] = max(result[child], result[id_] + 1)
            waiting_for[child] -= 1
            if not waiting_for[child]:
                ready.append(child)
    return result


def _refine(colors, edges):
    """Colour refinement: jobs keep one colour as long as the colours around them are the same."""
    for _round in range(ROUNDS):
        around = defaultdict(set)
        for parent, child, kind in edges:
            around[parent].add((0, kind, colors[child]))
            around[child].add((1, kind, colors[parent]))
        numbers = {}
        refined = {
            id_: numbers.setdefault((color, frozenset(around[id_])), len(numbers)) for id_, color in colors.items()
        }
        if len(numbers) == len(set(colors.values())):
            break
        colors = refined
    return colors


def _split(ids, layer, opened):
    key = f"g{ids[0]}"
    if len(ids) < COLLAPSE_FROM or key in opened:
        shown, rest = ids[:OPENED_LIMIT], ids[OPENED_LIMIT:]
        return [(f"j{id_}", layer, [id_]) for id_ in shown] + ([(f"r{rest[0]}", layer, rest)] if rest else [])
    return [(key, layer, ids)]


def _edges_between(groups, edges):
    keys = {id_: key for key, _layer, ids in groups for id_ in ids}
    between = dict.fromkeys((keys[parent], keys[child], kind) for parent, child, kind in edges)
    return [{"from": parent, "to": child, "kind": kind} for parent, child, kind in between]
