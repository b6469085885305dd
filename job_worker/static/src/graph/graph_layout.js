/**
 * A layered layout: a node's layer is given, its place in the layer follows the nodes that it is
 * linked to (the barycentre heuristic of Sugiyama, Tagawa and Toda, 1981).
 */
export const NODE = { width: 200, height: 52, gapX: 70, gapY: 18 };

const SWEEPS = 6;

/**
 * @param {Array<{key: string, layer: number}>} nodes
 * @param {Array<{from: string, to: string, kind: string}>} edges
 * @returns {{nodes: Array, edges: Array, width: number, height: number}} nodes with x and y of their
 *      upper left corner, edges with the SVG path between them
 */
export function layout(nodes, edges) {
    const layers = [];
    for (const node of nodes) {
        (layers[node.layer] ||= []).push(node);
    }
    const filled = layers.filter(Boolean);
    order(filled, edges);
    const tallest = Math.max(1, ...filled.map((layer) => layer.length));
    const height = tallest * (NODE.height + NODE.gapY) - NODE.gapY;
    const placed = {};
    filled.forEach((layer, column) => {
        const top = (height - (layer.length * (NODE.height + NODE.gapY) - NODE.gapY)) / 2;
        layer.forEach((node, row) => {
            const x = column * (NODE.width + NODE.gapX);
            placed[node.key] = { ...node, x, y: top + row * (NODE.height + NODE.gapY) };
        });
    });
    const width = filled.length * (NODE.width + NODE.gapX) - NODE.gapX;
    const drawn = edges.map((edge) => ({ ...edge, path: path(placed[edge.from], placed[edge.to]) }));
    return { nodes: Object.values(placed), edges: drawn, width, height };
}

function order(layers, edges) {
    const neighbours = {};
    for (const { from, to } of edges) {
        (neighbours[from] ||= []).push(to);
        (neighbours[to] ||= []).push(from);
    }
    const rank = {};
    const setRanks = (layer) =>
        layer.forEach((node, index) => (rank[node.key] = (index + 0.5) / layer.length));
    layers.forEach(setRanks);
    for (let sweep = 0; sweep < SWEEPS; sweep++) {
        const inTurn = sweep % 2 ? [...layers].reverse() : layers;
        for (const layer of inTurn) {
            const centre = Object.fromEntries(
                layer.map(({ key }) => [key, mean((neighbours[key] || []).map((other) => rank[other]), rank[key])])
            );
            layer.sort((a, b) => centre[a.key] - centre[b.key]);
            setRanks(layer);
        }
    }
}

function mean(numbers, otherwise) {
    return numbers.length ? numbers.reduce((sum, number) => sum + number, 0) / numbers.length : otherwise;
}

function path(from, to) {
    const [x1, y1] = [from.x + NODE.width, from.y + NODE.height / 2];
    const [x2, y2] = [to.x, to.y + NODE.height / 2];
    const bend = Math.max((x2 - x1) / 2, 30);
    return `M ${x1} ${y1} C ${x1 + bend} ${y1}, ${x2 - bend} ${y2}, ${x2} ${y2}`;
}
