/** What has passed since we look on: the steps of all machines of the group, one a line. */
import { h, type Child } from "../../site/client/element.ts";
import { keyed, say } from "./keyed.ts";
import type { Happened, WatchedGroup } from "./watched-group.ts";
import { clockTime, leaves, said } from "./wording.ts";

/** Lines that are drawn: the last ones. */
const drawnAtMost = 200;

export class LadderView {
  readonly element: HTMLElement;
  readonly #group: WatchedGroup;
  readonly #lines = h("ol", { class: "steps" });
  readonly #before = h("p", { class: "quiet" });

  constructor(group: WatchedGroup) {
    this.#group = group;
    this.element = h(
      "section",
      { "aria-label": "What happens" },
      h("h3", {}, "What happens"),
      this.#before,
      h("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": "Steps, the last one first" }, this.#lines),
    );
  }

  draw(): void {
    const { happened, letGo } = this.#group;
    const left = letGo + Math.max(0, happened.length - drawnAtMost);
    say(this.#before, happened.length === 0 ? "Nothing since this page looks on." : left > 0 ? `${left} earlier ones are not shown.` : "");
    const lines = happened.map((one, at) => ({ one, key: String(letGo + at) })).slice(-drawnAtMost).reverse();
    keyed(this.#lines, lines, ({ key }) => key, ({ one }) => h("li", { class: one.kind === "note" ? "note" : one.step.handled ? "" : "refused" }, line(one)), () => {});
  }
}

function line(one: Happened): Child {
  if (one.kind === "note") return [h("time", {}, clockTime(one.at)), h("b", {}, one.says)];
  const { at, machine, instance, event, state, effects, taken, handled, refusal } = one.step;
  const to = leaves(state);
  const from = one.before === undefined || one.before === "" ? undefined : leaves(one.before);
  const rules = taken.length === 0 ? "" : ` by rule ${taken.map(({ rule }) => rule).join(", ")}`;
  return [
    h("time", {}, clockTime(at)),
    h("span", { class: "machine-name" }, machine, " ", h("small", {}, instance.split(".").at(-1)!.slice(0, 8))),
    h("code", {}, event === undefined ? "begins" : said(event)),
    handled ? h("span", {}, from === undefined || from === to ? `in ${to}` : `${from} → ${to}`, rules) : h("b", {}, `refused: ${refusal?.status ?? refusal?.protocol ?? "nothing to do"}`),
    effects.length > 0 && h("span", { class: "effects" }, effects.map(said).join(" · ")),
  ];
}
