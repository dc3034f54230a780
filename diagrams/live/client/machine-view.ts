/** One machine as it runs: its statechart with the states lit that it is in, its timers running down, and what it remembers. */
import { chartAlone, ChartView, type Sheet } from "../../site/client/chart-view.ts";
import { h, replace } from "../../site/client/element.ts";
import { keyed, say } from "./keyed.ts";
import { picture } from "./picture.ts";
import type { MachineNow } from "./watched-group.ts";
import { duration, leaves, remembered, statesIn } from "./wording.ts";

/** How long the transitions that were just taken stay lit. */
const takenMs = 1_500;

export class MachineView {
  readonly element: HTMLElement;
  readonly #pictures: Pictures;
  readonly #title = h("h3", {});
  readonly #states = h("p", { class: "states" });
  readonly #timers = h("ul", { class: "timers" });
  readonly #context = h("dl", { class: "context" });
  readonly #place = h("div", { class: "place" });
  readonly #picked = h("p", { class: "picked-words", role: "status" });
  #chart: { readonly machine: string; readonly view: ChartView } | undefined;
  #wanted: string | undefined;

  constructor(pictures: Pictures) {
    this.#pictures = pictures;
    this.element = h(
      "section",
      { class: "machine", "aria-label": "Statechart" },
      this.#title,
      this.#states,
      this.#place,
      this.#picked,
      h("div", { class: "beside" }, h("section", {}, h("h4", {}, "Timers"), this.#timers), h("section", {}, h("h4", {}, "Counters and memory"), this.#context)),
    );
  }

  draw(machine: MachineNow, title: string): void {
    say(this.#title, title);
    say(this.#states, machine.over ? `over, in ${leaves(machine.state)}` : `in ${leaves(machine.state)}`);
    void this.#show(machine.machine);
    if (this.#chart?.machine === machine.machine) this.#light(this.#chart.view, machine);
    const entries = Object.entries((machine.context ?? {}) as Readonly<Record<string, unknown>>);
    const rows = entries.flatMap(([name, value]) => [{ name, text: name, tag: "dt" as const }, { name: `${name} is`, text: remembered(value), tag: "dd" as const }]);
    keyed(this.#context, rows, ({ name }) => name, ({ tag }) => h(tag, {}) as HTMLElement, (element, { text }) => say(element, text));
    this.#context.hidden = rows.length === 0;
    this.tick(machine);
  }

  /** What goes on although nothing happens. */
  tick(machine: MachineNow): void {
    const now = performance.now();
    const running = machine.timers.map(({ timer, endsAt }, at) => ({ key: `${at} ${timer}`, text: `${timer} ${duration(Math.ceil((endsAt - now) / 1_000) * 1_000)}` }));
    keyed(this.#timers, running.length > 0 ? running : [{ key: "none", text: "none runs" }], ({ key }) => key, () => h("li", {}), (element, { text }) => say(element, text));
    if (this.#chart?.machine === machine.machine) this.#light(this.#chart.view, machine);
  }

  #light(view: ChartView, { machine, state, taken, takenAt }: MachineNow): void {
    view.light(statesIn(machine, state), performance.now() - takenAt < takenMs ? taken : []);
  }

  async #show(machine: string): Promise<void> {
    if (this.#wanted === machine) return;
    this.#wanted = machine;
    const sheets = await this.#pictures.of(machine).catch(() => undefined);
    if (this.#wanted !== machine) return;
    this.#picked.textContent = "";
    if (sheets === undefined || sheets.length === 0) {
      // The next time that something happens it is asked for again.
      this.#wanted = undefined;
      this.#chart = undefined;
      return replace(this.#place, h("p", {}, `There is no picture of ${machine}.`));
    }
    const view = new ChartView(sheets, ({ state, rules }) => {
      view.pick({ ...(state !== undefined && { state }), ...(rules !== undefined && { rules }) });
      const part = view.element.querySelector(state === undefined ? `[data-rules="${rules?.join(" ")}"]` : `[data-state="${CSS.escape(state)}"]`);
      say(this.#picked, part?.getAttribute("aria-description") ?? part?.getAttribute("aria-label") ?? "");
    }, (svg) => chartAlone(svg, picture));
    this.#chart = { machine, view };
    replace(this.#place, view.element);
  }
}

/** The printed pictures of the machines, asked for once. */
export class Pictures {
  readonly #known = new Map<string, Promise<readonly Sheet[]>>();

  of(machine: string): Promise<readonly Sheet[]> {
    const known = this.#known.get(machine) ?? read(machine);
    this.#known.set(machine, known);
    known.catch(() => this.#known.delete(machine));
    return known;
  }
}

/** Written in when the page is built: of the whole machine first, then of states that have a picture of their own. */
declare const printedPictures: Readonly<Record<string, readonly string[]>>;

function read(machine: string): Promise<readonly Sheet[]> {
  return Promise.all(
    (printedPictures[machine] ?? []).map(async (file) => {
      const answer = await fetch(`/diagrams/${file}`, { credentials: "omit" });
      if (!answer.ok) throw new Error(`${answer.status} ${file}`);
      return { title: file.slice(0, -".svg".length), svg: await answer.text() };
    }),
  );
}
