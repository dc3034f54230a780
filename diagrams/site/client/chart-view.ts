/**
 * A statechart to look at closely: moved and zoomed by mouse, wheel, fingers and keys, lit by what runs, and picked from.
 *
 * Whoever moves it changes the part of the drawing that is shown, never the drawing: it stays sharp.
 */
import { h, picture, replace } from "./element.ts";

export interface Sheet {
  readonly title: string;
  readonly svg: string;
}

/** What somebody has picked from a chart. */
export interface Picked {
  readonly state?: string;
  readonly rules?: readonly number[];
}

interface Part {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** So many lengths of the drawing in a pixel of the window, and its letters can still be read. */
const legible = 1.2;

/** The closest look: a tenth of the drawing's width. */
const closest = 12;

export class ChartView {
  readonly element: HTMLElement;
  readonly #window = h("div", { class: "window", tabindex: 0, role: "group", "aria-label": "Statechart. Arrow keys move it, plus and minus zoom, zero fits it in." });
  readonly #sheets: readonly Sheet[];
  readonly #read: (svg: string) => SVGSVGElement;
  readonly #fingers = new Map<number, { x: number; y: number }>();
  #svg: SVGSVGElement | undefined;
  #whole: Part = { x: 0, y: 0, width: 1, height: 1 };
  #part: Part = this.#whole;
  #moved = 0;
  #isClose = false;
  #lit: { readonly active: ReadonlySet<string>; readonly taken: ReadonlySet<number> } = { active: new Set(), taken: new Set() };
  #picked: Picked = {};
  readonly #onPick: ((picked: Picked) => void) | undefined;

  /** Without `onPick` nothing can be picked. `read` makes elements of a drawing; a page that trusts no files takes less of it over. */
  constructor(sheets: readonly Sheet[], onPick?: (picked: Picked) => void, read: (svg: string) => SVGSVGElement = picture) {
    this.#sheets = sheets;
    this.#read = read;
    this.#onPick = onPick;
    const choice = h("select", { "aria-label": "Picture", onchange: () => this.show(Number(choice.value)) }, sheets.map(({ title }, index) => h("option", { value: index }, title)));
    const button = (label: string, sign: string, act: () => void) => h("button", { type: "button", class: "icon", "aria-label": label, title: label, onclick: act }, sign);
    this.element = h(
      "section",
      { class: "chart", "aria-label": "Picture" },
      h(
        "div",
        { class: "tools" },
        sheets.length > 1 && choice,
        h("span", { class: "push" }),
        button("Zoom in", "+", () => this.#zoom(1.4)),
        button("Zoom out", "−", () => this.#zoom(1 / 1.4)),
        button("Fit it in", "⤢", () => this.fit()),
      ),
      this.#window,
    );
    this.#listen();
    this.show(0);
  }

  show(index: number): void {
    const svg = this.#read(this.#sheets[index]!.svg);
    this.#svg = svg;
    const { x, y, width, height } = svg.viewBox.baseVal;
    this.#whole = { x, y, width, height };
    svg.removeAttribute("width");
    svg.removeAttribute("height");
    // Its parts can be reached, so the whole is no longer one image.
    svg.setAttribute("role", "group");
    for (const each of this.#parts()) {
      if (each.getAttribute("aria-hidden") === "true" || this.#onPick === undefined) continue;
      each.setAttribute("tabindex", "0");
      each.setAttribute("role", "button");
      // A button is called what one sees on it; what the drawing says of it comes after that.
      const says = each.getAttribute("aria-label");
      if (says === null || (each.textContent ?? "").trim() === "") continue;
      each.setAttribute("aria-description", says);
      each.removeAttribute("aria-label");
    }
    replace(this.#window, svg);
    this.fit();
    // How large the chart is can be asked once it stands in the page.
    requestAnimationFrame(() => {
      if (this.#svg !== svg) return;
      this.fit();
      this.#approach();
    });
    this.#light();
  }

  /** The chart itself, without the tables of its sheet. */
  fit(): void {
    this.#isClose = false;
    this.#look((this.#svg && chartIn(this.#svg)) ?? this.#whole);
  }

  light(active: readonly string[], taken: readonly number[]): void {
    this.#lit = { active: new Set(active), taken: new Set(taken) };
    this.#light();
    // Who looks closely is taken along.
    const lit = this.#isClose ? this.#svg?.querySelector(".active") : undefined;
    if (lit) this.#reveal(lit);
  }

  pick(picked: Picked): void {
    this.#picked = picked;
    this.#light();
  }

  #parts(): Element[] {
    return [...(this.#svg?.querySelectorAll("[data-state], [data-rules]") ?? [])];
  }

  #light(): void {
    const { active, taken } = this.#lit;
    for (const part of this.#parts()) {
      const state = part.getAttribute("data-state");
      const rules = rulesOf(part);
      const isIn = state !== null && active.has(state);
      const isAround = isIn && [...active].some((each) => each.startsWith(`${state}.`));
      part.classList.toggle("active", isIn && !isAround);
      part.classList.toggle("around", isAround);
      part.classList.toggle("taken", rules.some((rule) => taken.has(rule)));
      part.classList.toggle("picked", (state !== null && state === this.#picked.state) || rules.some((rule) => this.#picked.rules?.includes(rule) === true));
    }
  }

  // ---------------------------------------------------------------- moving

  /** What was picked before the chart was there is shown so large that it can be read. */
  #approach(): void {
    const picked = this.#svg?.querySelector(".picked");
    if (!picked || this.#scale() <= legible) return;
    this.#zoom(this.#scale() / legible);
    this.#reveal(picked);
  }

  #look(part: Part): void {
    this.#part = part;
    this.#svg?.setAttribute("viewBox", `${part.x} ${part.y} ${part.width} ${part.height}`);
  }

  /** About a point of the window, or its middle. */
  #zoom(by: number, at?: { readonly x: number; readonly y: number }): void {
    this.#isClose = true;
    const { x, y, width, height } = this.#part;
    const least = this.#whole.width / closest;
    const wide = Math.min(Math.max(width / by, least), this.#whole.width * 1.5);
    const factor = wide / width;
    const centre = at === undefined ? { x: x + width / 2, y: y + height / 2 } : this.#inDrawing(at);
    this.#look({ x: centre.x - (centre.x - x) * factor, y: centre.y - (centre.y - y) * factor, width: wide, height: height * factor });
  }

  #move(dx: number, dy: number): void {
    const scale = this.#scale();
    this.#look({ ...this.#part, x: this.#part.x - dx * scale, y: this.#part.y - dy * scale });
  }

  /** Lengths of the drawing in a pixel of the window. */
  #scale(): number {
    const { width, height } = this.#window.getBoundingClientRect();
    return Math.max(this.#part.width / Math.max(width, 1), this.#part.height / Math.max(height, 1));
  }

  #inDrawing({ x, y }: { readonly x: number; readonly y: number }): { readonly x: number; readonly y: number } {
    const box = this.#window.getBoundingClientRect();
    const scale = this.#scale();
    return { x: this.#part.x + this.#part.width / 2 + (x - box.left - box.width / 2) * scale, y: this.#part.y + this.#part.height / 2 + (y - box.top - box.height / 2) * scale };
  }

  /** Moves the window so that a part that got the focus can be seen. */
  #reveal(part: Element): void {
    const box = this.#window.getBoundingClientRect();
    const { left, top, right, bottom } = part.getBoundingClientRect();
    if (left >= box.left && right <= box.right && top >= box.top && bottom <= box.bottom) return;
    this.#move(box.left + box.width / 2 - (left + right) / 2, box.top + box.height / 2 - (top + bottom) / 2);
  }

  #listen(): void {
    const view = this.#window;
    const choose = (target: EventTarget | null): boolean => {
      const part = (target as Element | null)?.closest("[data-state], [data-rules]");
      if (part === null || part === undefined || this.#onPick === undefined) return false;
      const state = part.getAttribute("data-state");
      this.#onPick(state === null ? { rules: rulesOf(part) } : { state });
      return true;
    };
    view.addEventListener("wheel", (event) => {
      event.preventDefault();
      this.#zoom(Math.exp(-event.deltaY / (event.ctrlKey ? 100 : 400)), { x: event.clientX, y: event.clientY });
    }, { passive: false });
    view.addEventListener("pointerdown", (event) => {
      if (this.#fingers.size === 0) this.#moved = 0;
      this.#fingers.set(event.pointerId, { x: event.clientX, y: event.clientY });
    });
    view.addEventListener("pointermove", (event) => {
      const before = this.#fingers.get(event.pointerId);
      if (before === undefined) return;
      const now = { x: event.clientX, y: event.clientY };
      const other = [...this.#fingers].find(([finger]) => finger !== event.pointerId)?.[1];
      if (other === undefined) this.#move(now.x - before.x, now.y - before.y);
      else {
        this.#zoom(distance(now, other) / Math.max(distance(before, other), 1), { x: (now.x + other.x) / 2, y: (now.y + other.y) / 2 });
        this.#move((now.x - before.x) / 2, (now.y - before.y) / 2);
      }
      this.#moved += distance(before, now);
      this.#fingers.set(event.pointerId, now);
      // Only a drag takes the pointer: a click belongs to what was clicked.
      if (this.#moved > 4 && !view.hasPointerCapture(event.pointerId)) view.setPointerCapture(event.pointerId);
    });
    for (const end of ["pointerup", "pointercancel"] as const) view.addEventListener(end, (event) => void this.#fingers.delete(event.pointerId));
    view.addEventListener("pointerleave", (event) => void (view.hasPointerCapture(event.pointerId) || this.#fingers.delete(event.pointerId)));
    view.addEventListener("click", (event) => void (this.#moved <= 4 && choose(event.target)));
    view.addEventListener("focusin", (event) => void (event.target !== view && (event.target as Element).matches(":focus-visible") && this.#reveal(event.target as Element)));
    view.addEventListener("keydown", (event) => {
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      if ((event.key === "Enter" || event.key === " ") && choose(event.target)) event.preventDefault();
      const act = this.#keys[event.key];
      if (act === undefined) return;
      event.preventDefault();
      act();
    });
  }

  readonly #keys: { readonly [key: string]: () => void } = {
    ArrowLeft: () => this.#move(60, 0),
    ArrowRight: () => this.#move(-60, 0),
    ArrowUp: () => this.#move(0, 60),
    ArrowDown: () => this.#move(0, -60),
    "+": () => this.#zoom(1.25),
    "=": () => this.#zoom(1.25),
    "-": () => this.#zoom(0.8),
    "0": () => this.fit(),
  };
}

/** The part of a sheet in which the states and arrows are, with a little air; unknown before it is shown. */
export function chartIn(svg: SVGSVGElement): Part | undefined {
  const group = svg.querySelector("[data-state]")?.parentElement as unknown as SVGGElement | null | undefined;
  if (!group || !group.isConnected) return undefined;
  const { x, y, width, height } = group.getBBox();
  if (width === 0) return undefined;
  const at = group.transform.baseVal.consolidate()?.matrix;
  const air = Math.max(width, height) * 0.02;
  return { x: x + (at?.e ?? 0) - air, y: y + (at?.f ?? 0) - air, width: width + 2 * air, height: height + 2 * air };
}

/** A drawing without its title and its table, for a page that says both itself. */
export function chartAlone(svg: string, read: (svg: string) => SVGSVGElement = picture): SVGSVGElement {
  const drawing = read(svg);
  for (const each of [...drawing.children]) if (each.matches(".title") || (each.tagName === "g" && each.querySelector("[data-state]") === null)) each.remove();
  return drawing;
}

/** Once it is in a page, the chart alone is shown of a sheet. */
export function cropped(svg: SVGSVGElement): SVGSVGElement {
  requestAnimationFrame(() => {
    const part = chartIn(svg);
    if (part === undefined) return;
    svg.setAttribute("viewBox", `${part.x} ${part.y} ${part.width} ${part.height}`);
    svg.setAttribute("width", String(part.width));
    svg.setAttribute("height", String(part.height));
  });
  return svg;
}

const rulesOf = (part: Element): number[] => (part.getAttribute("data-rules") ?? "").split(" ").filter(Boolean).map(Number);
const distance = (one: { readonly x: number; readonly y: number }, other: { readonly x: number; readonly y: number }) => Math.hypot(one.x - other.x, one.y - other.y);
