/**
 * Steps through a machine: the real one runs here.
 *
 * What is played is a script; whoever chooses another event at some step goes on by hand from there.
 */
import type { AnyEventObject } from "xstate";
import { invariants } from "../../../model-tests/invariants.ts";
import type { ChartView } from "./chart-view.ts";
import { h, list, replace, table, type Child } from "./element.ts";
import { ladderOf } from "./ladder-of.ts";
import { activeIn, leavesIn, Run, type Place } from "./run.ts";
import { byHand, numberOf, type Script } from "./script.ts";
import { counted, effectText, eventName, eventParams, eventText, groundsText, inputLabels, pairs, part, ruleLink, spaced, stateLink } from "./words.ts";

/** How long a step is looked at while it plays, in ms. */
const pace = 1100;

export class RunPanel {
  readonly element: HTMLElement;
  readonly #chart: ChartView;
  #script: Script;
  #run: Run;
  #at = 0;
  #playing: ReturnType<typeof setInterval> | undefined;
  readonly #title = h("h2", { tabindex: -1 });
  readonly #world = h("div", { class: "world" });
  readonly #slider = h("input", { type: "range", min: 0, step: 1, "aria-label": "Step", oninput: () => this.#go(Number(this.#slider.value)) });
  readonly #count = h("output", { class: "count" });
  readonly #back = this.#button("One step back", "◀", () => this.#go(this.#at - 1));
  readonly #play = this.#button("Play", "▶", () => this.#toggle());
  readonly #on = this.#button("One step on", "▶|", () => this.#go(this.#at + 1));
  readonly #first = this.#button("To the start", "|◀", () => this.#go(0));
  readonly #happened = h("section", { class: "happened", "aria-live": "polite", tabindex: -1, "aria-label": "What happened" });
  readonly #where = h("section", { class: "where", "aria-label": "Where the machine is" });
  readonly #choices = h("section", { class: "choices", "aria-label": "Events" });
  readonly #ladder = h("section", { class: "conversation", "aria-label": "The conversation so far" });

  constructor(script: Script, at: number, chart: ChartView) {
    this.#script = script;
    this.#run = runOf(script);
    this.#chart = chart;
    this.element = h(
      "div",
      { class: "run" },
      h("p", { class: "kicker" }, script.name),
      this.#title,
      this.#world,
      h("div", { class: "player", role: "group", "aria-label": "Player" }, this.#first, this.#back, this.#play, this.#on, this.#slider, this.#count),
      this.#happened,
      this.#where,
      this.#choices,
      this.#ladder,
    );
    this.follow(script, at);
  }

  follow(script: Script, at: number): void {
    if (script.address(0) !== this.#script.address(0)) this.#run = runOf(script);
    this.#script = script;
    this.#at = at;
    this.#show();
  }

  stop(): void {
    clearInterval(this.#playing);
    this.#playing = undefined;
    this.#play.textContent = "▶";
    this.#play.setAttribute("aria-label", "Play");
    this.#play.title = "Play";
  }

  // ---------------------------------------------------------------- moving

  /** Along the script: the step is in the address, and not in the way of the back button. */
  #go(at: number): void {
    const { length } = this.#script.events;
    if (at < 0 || at > length) return;
    this.#at = at;
    history.replaceState(null, "", this.#script.address(at));
    this.#show();
    if (at === length) this.stop();
  }

  #toggle(): void {
    if (this.#playing !== undefined) return this.stop();
    if (this.#at === this.#script.events.length) this.#go(0);
    this.#play.textContent = "❚❚";
    this.#play.setAttribute("aria-label", "Pause");
    this.#play.title = "Pause";
    this.#playing = setInterval(() => this.#go(this.#at + 1), pace);
  }

  /** By hand: another script begins, with what has been and this event. */
  #choose(event: AnyEventObject): void {
    this.stop();
    location.hash = byHand(this.#script.machine, this.#script.inputNumber!, [...this.#script.events.slice(0, this.#at), event]).address(this.#at + 1);
    this.#happened.focus({ preventScroll: true });
  }

  #button(label: string, sign: string, act: () => void): HTMLButtonElement {
    return h("button", { type: "button", class: "icon", "aria-label": label, title: label, onclick: act }, sign);
  }

  // ---------------------------------------------------------------- showing

  #show(): void {
    const { script, place } = { script: this.#script, place: this.#run.places[this.#at]! };
    const { length } = script.events;
    this.#title.textContent = script.title;
    replace(this.#world, this.#inputChoice());
    this.#slider.max = String(length);
    this.#slider.value = String(this.#at);
    this.#slider.setAttribute("aria-valuetext", `step ${this.#at} of ${length}`);
    this.#count.textContent = `${this.#at} / ${length}`;
    this.#back.disabled = this.#first.disabled = this.#at === 0;
    this.#on.disabled = this.#at === length;
    this.#play.disabled = length === 0;
    replace(this.#happened, this.#whatHappened(place));
    replace(this.#where, this.#whereItIs(place));
    replace(this.#choices, this.#whatCanCome(place));
    replace(this.#ladder, this.#at > 0 && [h("h3", {}, "The conversation so far"), h("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": "Ladder" }, ladderOf(script, this.#at))]);
    this.#chart.light(activeIn(place.snapshot), place.rules);
  }

  #inputChoice(): Child {
    const { machine, inputNumber, input } = this.#script;
    if (inputNumber === undefined) return input !== undefined && Object.keys(input as object).length > 0 && h("details", {}, h("summary", {}, "The policies of this flow"), h("p", { class: "quiet" }, pairs(input as object)));
    if (machine.inputs.length < 2) return undefined;
    const labels = inputLabels(machine.inputs);
    const choice = h(
      "select",
      { onchange: () => void (location.hash = byHand(machine, Number(choice.value), []).address(0)) },
      labels.map((label, number) => h("option", { value: number, selected: number === inputNumber }, label)),
    );
    return h("label", {}, h("span", {}, "Policies"), choice);
  }

  #whatHappened(place: Place): Child {
    const { machine } = this.#script;
    if (place.event === undefined) return [h("h3", {}, "It begins"), effectsOf(place)];
    const { step, rules, event } = place;
    const said = [h("h3", {}, h("code", {}, eventName(event.type)), h("span", { class: "params" }, eventParams(event as { type: string })))];
    if (!step.handled) return [said, this.#refusal(place, event)];
    return [
      said,
      rules.length > 0 && h("p", { class: "rules" }, rules.flatMap((rule, index) => [index > 0 && h("br"), ruleLink(machine, rule)])),
      effectsOf(place),
      rules.map((rule) => groundsText(machine.chart.transitions[rule - 1]?.grounds)),
    ];
  }

  #refusal({ step: { refusal } }: Place, event: AnyEventObject): Child {
    const { machine } = this.#script;
    const barred = this.#run.barred(this.#at - 1, event);
    return [
      h("p", { class: "refused" }, refusal === undefined ? "It lapses: no guard holds." : refusal.protocol === "silence" ? "Passed over in silence: no rule takes it here, and nobody waits for an answer." : `Refused here: no rule takes it. ${machine.refusals[event.type]?.answer ?? ""}`),
      refusal && groundsText(refusal.grounds),
      barred.length > 0 && [h("p", {}, "Asked, and their guards do not hold:"), list(barred.map((rule) => ruleLink(machine, rule)))],
    ];
  }

  #whereItIs({ snapshot }: Place): Child {
    const { context } = snapshot as { context: object | undefined };
    const told = Object.entries(context ?? {}).filter(([name]) => !["made", "clarified"].includes(name));
    return [
      h("p", { class: "places" }, leavesIn(snapshot).map(({ id }) => stateLink(id))),
      snapshot.status !== "active" && h("p", { class: "over" }, "It is over."),
      told.length > 0 && h("dl", { class: "memory" }, told.map(([name, value]) => [h("dt", {}, spaced(name)), h("dd", {}, remembered(value))])),
    ];
  }

  #whatCanCome({ snapshot }: Place): Child {
    const { machine, name, inputNumber } = this.#script;
    if (inputNumber === undefined) return undefined;
    if (snapshot.status !== "active") return h("p", { class: "quiet" }, "No event can follow.");
    const tried = [...this.#run.timers(this.#at).map((type): AnyEventObject => ({ type })), ...(machine.events as readonly AnyEventObject[])].map((event) => ({ event, place: this.#run.try(this.#at, event), comes: invariants[name].possible?.(snapshot, event) ?? true }));
    const taken = tried.filter(({ place, comes }) => comes && place.step.handled);
    const refused = tried.filter(({ place, comes }) => comes && !place.step.handled);
    const never = tried.filter(({ comes }) => !comes);
    return [
      h("h3", {}, `Possible here `, h("small", { class: "quiet" }, counted(taken.length, "event"))),
      this.#eventList(taken, "takes"),
      refused.length > 0 && h("details", { class: "refusals" }, h("summary", {}, `Refused here: ${counted(refused.length, "event")}`), this.#eventList(refused, "refuses")),
      never.length > 0 && h("details", { class: "refusals" }, h("summary", {}, `Cannot come here: ${counted(never.length, "event")}`), h("p", { class: "quiet" }, "What the machines around it never cause in such a place."), list(never.map(({ event }) => eventText(event as { type: string })), { class: "bare quiet" })),
    ];
  }

  /** By name, and then by what they say. */
  #eventList(events: readonly { readonly event: AnyEventObject; readonly place: Place }[], manner: string): HTMLElement {
    const names = [...new Set(events.map(({ event }) => event.type))];
    return h(
      "ul",
      { class: `events ${manner}` },
      names.map((type) =>
        h(
          "li",
          {},
          events
            .filter(({ event }) => event.type === type)
            .map(({ event, place }) => {
              const params = eventParams(event as { type: string });
              return h("button", { type: "button", "data-event": numberOf(this.#script.machine, event), onclick: () => this.#choose(event) }, h("code", {}, eventName(type)), params !== "" && h("span", { class: "params" }, params), h("span", { class: "leads" }, this.#hint(event, place)));
            }),
        ),
      ),
    );
  }

  #hint({ type }: AnyEventObject, { step, snapshot, rules }: Place): string {
    if (!step.handled) return step.refusal === undefined ? "lapses" : (this.#script.machine.refusals[type]?.answer ?? "");
    const before = new Set(leavesIn(this.#run.places[this.#at]!.snapshot));
    const arrived = leavesIn(snapshot).filter((leaf) => !before.has(leaf));
    return arrived.length > 0 ? `→ ${arrived.map(({ key }) => key).join(", ")}` : rules.length > 0 && step.effects.length === 0 && snapshot === this.#run.places[this.#at]!.snapshot ? "ignored" : "";
  }
}

const runOf = ({ name, input, events }: Script): Run => new Run(name, input, events);

function effectsOf({ step: { effects, timers } }: Place): Child {
  const said = [...effects.map(effectText), ...timers.map((timer) => (timer.change === "start" ? `starts the timer ${timer.name}` : `stops the timer ${timer.event.split(".", 3)[2] ?? ""}`))];
  return said.length === 0 ? h("p", { class: "quiet" }, "It asks for nothing.") : part("It asks for", list(said, { class: "effects" }));
}

/** A list of its memory as a small table, anything else as words. */
function remembered(value: unknown): Child {
  if (!Array.isArray(value)) return typeof value === "object" && value !== null ? pairs(value) : String(value);
  if (value.length === 0) return "none";
  if (typeof value[0] !== "object") return value.map((each, index) => `${index}: ${String(each)}`).join(", ");
  const names = Object.keys(value[0] as object);
  return table("Memory", ["", ...names.map(spaced)], value.map((row, index) => [String(index), ...names.map((name) => String((row as Record<string, unknown>)[name]))]), { class: "small" });
}
