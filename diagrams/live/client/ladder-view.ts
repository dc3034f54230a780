/** What has passed since we look on: as a ladder that grows, and step by step in words. */
import { ladder } from "../../ladders/ladder.ts";
import { h, replace, type Child } from "../../site/client/element.ts";
import { conversationOf } from "./conversation.ts";
import { keyed, say } from "./keyed.ts";
import { picture } from "./picture.ts";
import type { Happened, WatchedGroup } from "./watched-group.ts";
import { clockTime, leaves, said } from "./wording.ts";

/** What is drawn is the end of it. */
const rowsAtMost = 120;
const stepsAtMost = 200;
/** So that the names of the lifelines are always in sight. */
const repeatAfter = 420;
/** Close together: more than a few are to be seen at once. */
const apart = 180;
/** How much smaller than drawn it may be shown before it is scrolled instead. */
const smallest = 0.8;
/** A ladder is drawn anew as a whole, and so not with every step. */
const againMs = 250;

export class LadderView {
  readonly element: HTMLElement;
  readonly #group: WatchedGroup;
  readonly #before = h("p", { class: "quiet" });
  readonly #ladder = h("div", { class: "scroll ladder", tabindex: 0, role: "region", "aria-label": "Ladder, the latest at the bottom" });
  readonly #lines = h("ol", { class: "steps" });
  readonly #words: HTMLDetailsElement;
  #drawnAt = 0;
  #waiting: ReturnType<typeof setTimeout> | undefined;

  constructor(group: WatchedGroup) {
    this.#group = group;
    this.#words = h("details", { ontoggle: () => this.#drawWords() }, h("summary", {}, "Step by step, in words"), h("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": "Steps, the latest first" }, this.#lines));
    this.element = h("section", { "aria-label": "What happens" }, h("h3", {}, "What happens"), this.#before, this.#ladder, this.#words);
  }

  draw(): void {
    const { happened, letGo } = this.#group;
    say(this.#before, happened.length === 0 ? "Nothing since this page looks on." : letGo > 0 ? "Earlier steps are no longer shown." : "");
    this.#ladder.hidden = happened.length === 0;
    this.#drawWords();
    if (this.#waiting !== undefined || happened.length === 0) return;
    this.#waiting = setTimeout(() => {
      this.#waiting = undefined;
      this.#drawLadder();
    }, Math.max(0, this.#drawnAt + againMs - performance.now()));
  }

  #drawLadder(): void {
    const view = this.#ladder;
    const followed = view.scrollTop + view.clientHeight >= view.scrollHeight - 40;
    const drawn = picture(ladder(conversationOf(this.#group, rowsAtMost), { repeatAfter, apart }));
    drawn.style.minWidth = `${Math.round(smallest * drawn.viewBox.baseVal.width)}px`;
    replace(view, drawn);
    // Who has scrolled back reads there.
    if (followed) view.scrollTop = view.scrollHeight;
    this.#drawnAt = performance.now();
  }

  #drawWords(): void {
    if (!this.#words.open) return;
    const { happened, letGo } = this.#group;
    const lines = happened.map((one, at) => ({ one, key: String(letGo + at) })).slice(-stepsAtMost).reverse();
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
