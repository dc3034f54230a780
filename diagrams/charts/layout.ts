/** Where everything of a statechart is drawn. ELK's layered algorithm places the boxes and routes the arrows. */
import type { ElkExtendedEdge, ElkNode, ElkPoint } from "elkjs/lib/elk-api.js";
import elk from "elkjs/lib/elk.bundled.js";
import { alike, type State, type Statechart, type Transition } from "./graph.ts";
import { blockHeight, lineWidth, wrap, type Line } from "./lettering.ts";
import { arrowText, insideText, stateName, styleOf, tag, type Paragraph, type Style } from "./wording.ts";

export interface Picture {
  readonly width: number;
  readonly height: number;
  /** Outer boxes before the ones inside. */
  readonly boxes: readonly Box[];
  readonly dots: readonly Point[];
  readonly arrows: readonly Arrow[];
}

export interface Point {
  readonly x: number;
  readonly y: number;
}

export interface Rectangle extends Point {
  readonly width: number;
  readonly height: number;
}

/** A state: its name, its grounds, and a row for each thing that happens inside. */
export interface Box extends Rectangle {
  readonly state: State;
  readonly grounds: readonly Line[];
  /** On entry, on exit, and by which rules. */
  readonly told: readonly Paragraph[];
}

/** From an initial dot, or of the transitions that lead from one state to another. */
export interface Arrow {
  readonly transitions: readonly Transition[];
  readonly points: readonly Point[];
  readonly label?: Label;
}

export interface Label extends Rectangle {
  readonly lines: readonly Line[];
}

/** Sizes in CSS pixels; `leading` is from the top of a line to its baseline. */
export const sizes = { title: 18, name: 13, text: 11, leading: 13, margin: 10, dot: 6, heading: 24 } as const;

/** Of the circle that stands for a history. */
const historySize = 26;

/** Text of an arrow is broken at this width, text inside a box at the other. */
const arrowTextWidth: Readonly<Record<Style, number>> = { spelled: 230, numbered: 140, bare: 60 };
const boxTextWidth: Readonly<Record<Style, number>> = { spelled: 300, numbered: 300, bare: 160 };

/** How it is to be set, where that is not left to the chart. */
export interface Setting {
  readonly style?: Style;
  /** Where arrows lead as a rule. */
  readonly direction?: "DOWN" | "RIGHT";
  /** Room between what is drawn, as a share of the usual. */
  readonly room?: number;
}

export async function layout(chart: Statechart, setting: Setting = {}): Promise<Picture> {
  const plan = new Plan(chart, setting);
  const placed = await new elk.default().layout(plan.graph());
  return plan.picture(placed);
}

/** The statechart in ELK's words, and ELK's answer in ours. */
class Plan {
  readonly #chart: Statechart;
  readonly #style: Style;
  /** Said on every level, for ELK hands nothing down. */
  readonly #spacing: Readonly<Record<string, string>>;
  readonly #contents = new Map<string, Contents>();
  readonly #bundles: ReadonlyMap<string, Bundle>;

  constructor(chart: Statechart, { style = styleOf(chart), direction = "DOWN", room = 1 }: Setting) {
    this.#chart = chart;
    this.#style = style;
    this.#spacing = { ...fixed, "elk.direction": direction, ...Object.fromEntries(Object.entries(distances).map(([name, distance]) => [name, String(Math.round(distance * room))])) };
    for (const state of chart.states) this.#contents.set(state.id, contents(state, chart, this.#style));
    this.#bundles = bundles(chart, this.#style);
  }

  graph(): ElkNode {
    const compounds = [this.#chart.root, ...this.#chart.states].filter(({ initial }) => initial !== undefined);
    return {
      id: this.#chart.root.id,
      layoutOptions: { ...this.#spacing, ...ordered, "elk.padding": "[top=12,left=12,bottom=12,right=12]" },
      children: this.#inside(this.#chart.root),
      edges: [
        ...compounds.map(({ id, initial }) => ({ id: `${id} begins`, sources: [dotOf(id)], targets: [initial!] })),
        ...[...this.#bundles].map(([id, bundle]) => ({ id, sources: [bundle.from], targets: [bundle.to], labels: [{ text: id, ...bundle.size }] })),
      ],
    };
  }

  picture(placed: ElkNode): Picture {
    const origins = new Map<string, Point>();
    const boxes: Box[] = [];
    const dots: Point[] = [];
    const place = (node: ElkNode, at: Point) => {
      origins.set(node.id, at);
      const contents = this.#contents.get(node.id);
      if (contents) boxes.push({ ...contents, ...at, width: rounded(node.width!), height: rounded(node.height!) });
      else if (node.id !== placed.id) dots.push({ x: at.x + sizes.dot, y: at.y + sizes.dot });
      for (const child of node.children ?? []) place(child, moved(child as ElkPoint, at));
    };
    place(placed, { x: 0, y: 0 });
    const arrows = (placed.edges ?? []).map((edge) => this.#arrow(edge, origins.get(edge.container ?? placed.id)!));
    return { width: rounded(placed.width!), height: rounded(placed.height!), boxes, dots, arrows };
  }

  #inside(state: State): ElkNode[] {
    const dot = state.initial === undefined ? [] : [{ id: dotOf(state.id), width: 2 * sizes.dot, height: 2 * sizes.dot }];
    return [...dot, ...state.children.map((child) => this.#node(child))];
  }

  #node(state: State): ElkNode {
    const { width, height } = this.#contents.get(state.id)!.size;
    if (state.children.length === 0) return { id: state.id, width, height, layoutOptions: loops };
    return {
      id: state.id,
      children: this.#inside(state),
      layoutOptions: {
        ...this.#spacing,
        "elk.padding": `[top=${height + sizes.margin},left=16,bottom=16,right=16]`,
        "elk.nodeSize.constraints": "MINIMUM_SIZE",
        "elk.nodeSize.minimum": `(${width},${height})`,
      },
    };
  }

  #arrow(edge: ElkExtendedEdge, origin: Point): Arrow {
    const [section] = edge.sections!;
    const points = [section!.startPoint, ...(section!.bendPoints ?? []), section!.endPoint].map((point) => moved(point, origin));
    const bundle = this.#bundles.get(edge.id);
    if (!bundle) return { transitions: [], points };
    const label = { ...moved(edge.labels![0] as ElkPoint, origin), ...bundle.size, lines: bundle.lines };
    return { transitions: bundle.transitions, points, label };
  }
}

const distances = {
  "elk.spacing.nodeNode": 28,
  "elk.spacing.edgeNode": 18,
  "elk.spacing.edgeEdge": 12,
  "elk.spacing.edgeLabel": 4,
  "elk.spacing.nodeSelfLoop": 20,
  "elk.layered.spacing.nodeNodeBetweenLayers": 38,
  "elk.layered.spacing.edgeNodeBetweenLayers": 16,
};

const fixed = {
  "elk.algorithm": "layered",
  "elk.hierarchyHandling": "INCLUDE_CHILDREN",
  "elk.edgeRouting": "ORTHOGONAL",
  "elk.randomSeed": "1",
  "elk.layered.cycleBreaking.strategy": "DEPTH_FIRST",
  "elk.layered.nodePlacement.strategy": "BRANDES_KOEPF",
  "elk.layered.nodePlacement.bk.fixedAlignment": "BALANCED",
  "elk.layered.edgeLabels.sideSelection": "SMART_DOWN",
};

/** Loops of one state on different sides, or a label would lie on the other loop. */
const loops = { "elk.layered.edgeRouting.selfLoopDistribution": "EQUALLY" };

/** In document order; ELK 0.12 fails on it where a state holds others. */
const ordered = { "elk.layered.considerModelOrder.strategy": "NODES_AND_EDGES" };

interface Contents {
  readonly state: State;
  readonly grounds: readonly Line[];
  readonly told: readonly Paragraph[];
  readonly size: Size;
}

type Size = Pick<Rectangle, "width" | "height">;

function contents(state: State, chart: Statechart, style: Style): Contents {
  if (state.kind === "history" || state.kind === "deep") return { state, grounds: [], told: [], size: { width: historySize, height: historySize } };
  const within = state.isStub ? [] : chart.transitions.filter(({ from, to }) => from === state.id && to === undefined);
  const told = insideText(state, within, style).map(({ transitions, lines }) => ({ transitions, lines: wrapped(lines, boxTextWidth[style]) }));
  const grounds = state.isStub ? [] : wrap(tag(state.grounds), sizes.text, boxTextWidth[style]);
  const heading = lineWidth(stateName(state, state.key), sizes.name);
  const { width, height } = block([...grounds, ...told.flatMap(({ lines }) => lines)]);
  return { state, grounds, told, size: { width: Math.max(heading, width) + 2 * sizes.margin, height: sizes.heading + height + (told.length > 0 ? sizes.margin : 0) } };
}

const wrapped = (lines: readonly Line[], width: number) => lines.flatMap((line) => wrap(line, sizes.text, width));

/** Transitions that are drawn as one arrow. */
interface Bundle {
  readonly from: string;
  readonly to: string;
  readonly transitions: readonly Transition[];
  readonly lines: readonly Line[];
  readonly size: Size;
}

/** Delayed transitions have an arrow of their own, for it is dashed. */
function bundles({ transitions }: Statechart, style: Style): ReadonlyMap<string, Bundle> {
  const drawn = transitions.filter(({ to }) => to !== undefined);
  const groups = alike(drawn, ({ from, to, trigger }) => `${from} → ${to}${trigger.kind === "delay" ? " delayed" : ""}`);
  return new Map(
    [...groups].map(([id, group]) => {
      const lines = wrapped(arrowText(group, style).flatMap(({ lines }) => lines), arrowTextWidth[style]);
      return [id, { from: group[0]!.from, to: group[0]!.to!, transitions: group, lines, size: block(lines) }];
    }),
  );
}

/** The room that lines need, with a little air. */
function block(lines: readonly Line[]): Size {
  return { width: rounded(Math.max(0, ...lines.map((line) => lineWidth(line, sizes.text))) + 4), height: blockHeight(lines) + 4 };
}

const dotOf = (id: string) => `${id} initial`;
const moved = ({ x, y }: ElkPoint, by: Point): Point => ({ x: rounded(x + by.x), y: rounded(y + by.y) });
/** A tenth of a pixel: enough for the eye, and the same octets wherever it is printed. */
const rounded = (length: number) => Math.round(length * 10) / 10;
