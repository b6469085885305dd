import { registry } from "@web/core/registry";
import { useService } from "@web/core/utils/hooks";
import { Layout } from "@web/search/layout";
import { standardActionServiceProps } from "@web/webclient/actions/action_service";
import { standardWidgetProps } from "@web/views/widgets/standard_widget_props";
import { Component, onWillStart, onWillUpdateProps, onMounted, useRef, useState, xml } from "@odoo/owl";
import { useLiveJobs } from "../live/live_service";
import { layout, NODE } from "./graph_layout";

const ZOOM = { min: 0.05, max: 3, step: 1.25 };
// A graph that would be smaller than this when all of it shows is opened at its job instead.
const LEGIBLE = 0.2;
const CLOSE_UP = 0.8;
const MARGIN = 24;

/** The graph of a job: drag to move, wheel to zoom, click a job to open it, a group to unfold it. */
export class JobGraph extends Component {
    static template = "job_worker.JobGraph";
    static props = { jobId: Number, onLoaded: { type: Function, optional: true } };

    setup() {
        this.orm = useService("orm");
        this.action = useService("action");
        this.canvas = useRef("canvas");
        this.content = useRef("content");
        this.node = NODE;
        this.opened = new Set();
        this.state = useState({ picture: null });
        // Not a state: a move of a graph of 1,000 nodes must not render them again.
        this.view = { x: MARGIN, y: MARGIN, scale: 1 };
        onWillStart(() => this.load(this.props.jobId));
        onWillUpdateProps(async (props) => {
            if (props.jobId !== this.props.jobId) {
                this.opened.clear();
                await this.load(props.jobId);
                this.start();
            }
        });
        onMounted(() => this.start());
        useLiveJobs(() => this.load(this.props.jobId));
    }

    async load(jobId) {
        const picture = await this.orm.silent.call("queue.job", "graph_picture", [[jobId]], {
            opened: [...this.opened],
        });
        this.state.picture = { ...picture, ...layout(picture.nodes, picture.edges) };
        this.props.onLoaded?.(picture);
    }

    look(x, y, scale) {
        this.view = { x, y, scale };
        this.content.el.setAttribute("transform", `translate(${x} ${y}) scale(${scale})`);
    }

    /** Show all of the graph, or the job itself where all would be too small to read. */
    start() {
        this.fit();
        const node = this.state.picture.nodes.find((node) => node.id === this.state.picture.current);
        if (this.view.scale < LEGIBLE && node) {
            const { clientWidth, clientHeight } = this.canvas.el;
            const [x, y] = [node.x + NODE.width / 2, node.y + NODE.height / 2];
            this.look(clientWidth / 2 - x * CLOSE_UP, clientHeight / 2 - y * CLOSE_UP, CLOSE_UP);
        }
    }

    /** Show all of the graph, but never larger than it is. */
    fit() {
        const { clientWidth, clientHeight } = this.canvas.el;
        const { width, height } = this.state.picture;
        if (!clientWidth) {
            return; // in a tab that is not shown yet
        }
        const scale = Math.min(
            1,
            (clientWidth - 2 * MARGIN) / Math.max(width, 1),
            (clientHeight - 2 * MARGIN) / Math.max(height, 1)
        );
        this.look((clientWidth - width * scale) / 2, (clientHeight - height * scale) / 2, scale);
    }

    zoom(factor, x = this.canvas.el.clientWidth / 2, y = this.canvas.el.clientHeight / 2) {
        const view = this.view;
        // A graph that fits below the smallest scale may be left, but not made smaller still.
        const scale = Math.min(ZOOM.max, Math.max(Math.min(ZOOM.min, view.scale), view.scale * factor));
        const ratio = scale / view.scale;
        // The point under the pointer stays where it is.
        this.look(x - (x - view.x) * ratio, y - (y - view.y) * ratio, scale);
    }

    zoomIn() {
        this.zoom(ZOOM.step);
    }

    zoomOut() {
        this.zoom(1 / ZOOM.step);
    }

    onWheel(ev) {
        const { left, top } = this.canvas.el.getBoundingClientRect();
        this.zoom(ev.deltaY < 0 ? ZOOM.step : 1 / ZOOM.step, ev.clientX - left, ev.clientY - top);
    }

    onPointerDown(ev) {
        if (!ev.target.closest(".o_queue_graph_node")) {
            this.drag = { x: ev.clientX - this.view.x, y: ev.clientY - this.view.y };
            this.canvas.el.setPointerCapture(ev.pointerId);
        }
    }

    onPointerMove(ev) {
        if (this.drag) {
            this.look(ev.clientX - this.drag.x, ev.clientY - this.drag.y, this.view.scale);
        }
    }

    onPointerUp() {
        this.drag = null;
    }

    async onNodeClick(node) {
        if (node.id) {
            return this.openJob(node);
        }
        if (node.key.startsWith("r")) {
            return this.openRest(node);
        }
        this.opened.add(node.key);
        await this.load(this.props.jobId);
        this.fit();
    }

    async foldAll() {
        this.opened.clear();
        await this.load(this.props.jobId);
        this.fit();
    }

    openJob(node) {
        return this.action.doAction({
            type: "ir.actions.act_window",
            res_model: "queue.job",
            res_id: node.id,
            views: [[false, "form"]],
        });
    }

    openRest(node) {
        const [model, method] = [node.function.replace(/\.[^.]*$/, ""), node.function.split(".").pop()];
        return this.action.doAction({
            type: "ir.actions.act_window",
            name: node.function,
            res_model: "queue.job",
            domain: [
                ["graph_uuid", "=", this.state.picture.graph_uuid],
                ["model_name", "=", model],
                ["method_name", "=", method],
            ],
            views: [
                [false, "list"],
                [false, "form"],
            ],
        });
    }

    nodeClass(node) {
        const state = node.state || (Object.keys(node.states).length === 1 ? Object.keys(node.states)[0] : "mixed");
        const current = node.id === this.state.picture.current ? " o_queue_current" : "";
        return `o_queue_graph_node o_queue_${state}${current}`;
    }

    /** The states of a group as parts of a bar: `{state, x, width}`. */
    parts(node) {
        let x = 0;
        return Object.entries(node.states).map(([state, count]) => {
            const part = { state, x, width: (count / node.count) * NODE.width };
            x += part.width;
            return part;
        });
    }

    statesText(node) {
        return Object.entries(node.states)
            .map(([state, count]) => `${count} ${this.stateLabel(state)}`)
            .join(", ");
    }

    stateLabel(state) {
        return this.state.picture.labels[state];
    }

    short(text, length = 26) {
        return text.length > length ? `${text.slice(0, length - 1)}…` : text;
    }
}

/** The graph on a page of its own. */
export class JobGraphAction extends Component {
    static template = xml`
        <Layout display="{ controlPanel: {} }" className="'o_queue_graph_action'">
            <JobGraph jobId="jobId" onLoaded="(picture) => this.onLoaded(picture)"/>
        </Layout>`;
    static components = { JobGraph, Layout };
    static props = { ...standardActionServiceProps };
    static path = "queue-graph";

    setup() {
        const { params, context } = this.props.action;
        this.jobId = Number(params?.job_id || context?.active_id || this.props.resId);
        this.props.updateActionState({ resId: this.jobId });
    }

    onLoaded(picture) {
        this.env.config.setDisplayName(picture.title);
    }
}

registry.category("actions").add("job_worker.graph", JobGraphAction);

/** The graph in the form of a job. */
export class JobGraphWidget extends Component {
    static template = xml`<JobGraph t-if="props.record.resId" jobId="props.record.resId"/>`;
    static components = { JobGraph };
    static props = { ...standardWidgetProps };
}

registry.category("view_widgets").add("queue_job_graph", { component: JobGraphWidget });
