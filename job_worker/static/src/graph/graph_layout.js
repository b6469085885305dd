/**
 * A layered layout: a node's layer is given, its place in the layer follows the nodes that it is
 * linked to (the barycentre heuristic of Sugiyama, Tagawa and Toda, 1981).
 */
export const NODE = { width: 200, height: 52, gapX: 70, gapY: 18 };

const SWEEPS = 6;
// A layer of more nodes than this is a block of several columns: one column of hundreds is a line when it fits.
const COLUMN_LIMIT = 40;
const BLOCK = { minRows: 16, aspect: 1.6, gapX: 24, margin: 14 };

/**
 * @param {Array<{key: string, layer: number}>} nodes
 * @param {Array<{from: string, to: string, kind: string}>} edges
 * @returns {{nodes: Array, edges: Array, frames: Array, width: number, height: number}} nodes with x and y of
 *      their upper left corner, edges with the SVG path between them, frames around the nodes that an edge means all of
 */
export function layout(nodes, edges) {
    const layers = [];
    for (const node of nodes) {
        (layers[node.layer] ||= []).push(node);
    }
    const filled = layers.filter(Boolean);
    order(filled, edges);
    const height = heightOf(Math.max(1, ...filled.map((layer) => rowsOf(layer.length))));
    const placed = {};
    const blocks = {};
    let left = 0;
    for (const layer of filled) {
        const rows = rowsOf(layer.length);
        const columns = Math.ceil(layer.length / rows);
        const top = (height - heightOf(rows)) / 2;
        layer.forEach((node, index) => {
            const x = left + Math.floor(index / rows) * (NODE.width + BLOCK.gapX);
            const y = top + (index % rows) * (NODE.height + NODE.gapY);
            placed[node.key] = { ...node, x, y, width: NODE.width, height: NODE.height };
        });
        const width = columns * (NODE.width + BLOCK.gapX) - BLOCK.gapX;
        if (columns > 1) {
            const block = blockOf(layer, left, top, width, heightOf(rows));
            layer.forEach(({ key }) => (blocks[key] = block));
        }
        left += width + NODE.gapX;
    }
    const { drawn, frames } = draw(edges, placed, blocks);
    return { nodes: Object.values(placed), edges: drawn, frames, width: Math.max(left - NODE.gapX, 0), height };
}

function rowsOf(count) {
    return count > COLUMN_LIMIT ? Math.max(BLOCK.minRows, Math.ceil(Math.sqrt(BLOCK.aspect * count))) : count;
}

function heightOf(rows) {
    return rows * (NODE.height + NODE.gapY) - NODE.gapY;
}

function blockOf(layer, x, y, width, height) {
    const margin = BLOCK.margin;
    const box = { x: x - margin, y: y - margin, width: width + 2 * margin, height: height + 2 * margin };
    return { key: `block ${layer[0].layer}`, size: layer.length, ...box };
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

/** Edges between one node and each of a block are one edge to the block's frame: hundreds would hide its nodes. */
function draw(edges, placed, blocks) {
    const counts = {};
    const count = (block, ...words) => {
        const name = [block.key, ...words].join("|");
        return (counts[name] = (counts[name] || 0) + 1);
    };
    const whole = new Set();
    for (const { from, to, kind } of edges) {
        if (blocks[to] && count(blocks[to], "in", from, kind) === blocks[to].size) {
            whole.add(`in|${from}|${blocks[to].key}|${kind}`);
        }
        if (blocks[from] && count(blocks[from], "out", to, kind) === blocks[from].size) {
            whole.add(`out|${to}|${blocks[from].key}|${kind}`);
        }
    }
    const drawn = {};
    const frames = {};
    for (const { from, to, kind } of edges) {
        const isFramed = (way, other, block) => block && whole.has(`${way}|${other}|${block.key}|${kind}`);
        const start = isFramed("out", to, blocks[from]) ? (frames[blocks[from].key] = blocks[from]) : placed[from];
        const end = isFramed("in", from, blocks[to]) ? (frames[blocks[to].key] = blocks[to]) : placed[to];
        drawn[`${start.key}|${end.key}|${kind}`] ||= { from: start.key, to: end.key, kind, path: path(start, end) };
    }
    return { drawn: Object.values(drawn), frames: Object.values(frames) };
}

function path(from, to) {
    const [x1, y1] = [from.x + from.width, from.y + from.height / 2];
    const [x2, y2] = [to.x, to.y + to.height / 2];
    const bend = Math.max((x2 - x1) / 2, 30);
    return `M ${x1} ${y1} C ${x1 + bend} ${y1}, ${x2 - bend} ${y2}, ${x2} ${y2}`;
}
