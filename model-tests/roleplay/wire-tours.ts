/**
 * Tours on the wire: ways through the composed Controlling Function that its peers and its timers can cause.
 *
 * The composition has far more states than can be played. A walk goes where most is still to be shown, looks ahead where
 * nothing is near, and in the end closes everything, so that no dialog is left. What is to be shown is counted in the goal
 * classes, the transitions and the guards' decisions of every machine, over all steps that a machine of the composition takes.
 */
import type { AnyEventObject, AnyMachineSnapshot, AnyStateMachine } from "xstate";
import { machines, type MachineName } from "../../machines/index.ts";
import { clauses, delayOf, grounds, transitions } from "../../machines/inspect.ts";
import { ControllingFunction, type Policy, type Taken } from "../composition/controlling-function.ts";
import { asked, askedOnTheWay, deciding } from "../explore.ts";
import { goalClassOf, leavesOf } from "../goals.ts";
import { isTimer, modelPolicy, policySets, type PolicySet } from "./policy-sets.ts";
import { hashOfPlace, startOf, stepsAt, walk, type Place, type Reach, type Step } from "./possible-steps.ts";
import type { WireTour } from "./verdict.ts";

const names = Object.keys(machines) as MachineName[];

// ---------------------------------------------------------------- what a step shows

/** What there is to be shown: of a transition, of a guard that decides alone, of a state and an event, and of a goal class. */
type Kind = "transition" | "guard" | "event" | "class";

interface Goal {
  readonly machine: MachineName;
  readonly kind: Kind;
  readonly says: string;
}

/** Goals by number, over all machines and policies. */
class Goals {
  readonly all: Goal[] = [];
  readonly #numbers = new Map<string, number>();
  readonly #ofStep = new WeakMap<object, readonly number[]>();

  #add(machine: MachineName, kind: Kind, says: string): number {
    const key = `${machine} ${kind} ${says}`;
    const known = this.#numbers.get(key);
    if (known !== undefined) return known;
    this.#numbers.set(key, this.all.length);
    return this.all.push({ machine, kind, says }) - 1;
  }

  /** What one step of one machine shows. Steps are interned by the composition, and so is this. */
  of({ machine, from, event, step }: Taken): readonly number[] {
    const known = this.#ofStep.get(step);
    if (known) return known;
    const goals = [this.#add(machine, "class", goalClassOf(machine, from, event)), this.#add(machine, "event", `${leavesOf(from)} ${event.type}`)];
    for (const says of decisionsOf(machine, from, event, step.handled)) goals.push(this.#add(machine, says.includes("guard") ? "guard" : "transition", says));
    this.#ofStep.set(step, goals);
    return goals;
  }
}

const numbersOf = new Map(names.map((name) => [name, new Map(transitions(machines[name]).map((transition, number) => [transition, number]))]));

/** The transitions that are taken on the way of one event, and the guards that decide there. */
function decisionsOf(name: MachineName, from: AnyMachineSnapshot, event: AnyEventObject, handled: boolean): string[] {
  if (from.status !== "active") return [];
  const machine: AnyStateMachine = machines[name];
  return (handled ? askedOnTheWay : asked)(machine, from, event).flatMap((answer) => {
    const number = numbersOf.get(name)!.get(answer.transition)!;
    const decided = deciding(machine, answer, event).flatMap((said, part) => (said === undefined ? [] : [`${number} guard ${part} ${said}`]));
    return answer.enabled ? [`${number}`, ...decided] : decided;
  });
}

// ---------------------------------------------------------------- the walk

/** One thing that can be done, and where it leads. */
interface Option {
  readonly step: Step;
  readonly to: Place;
  readonly key: number;
  readonly goals: readonly number[];
}

export interface WireToursOptions {
  /** Which ways to run the server; all of `policySets` unless said. */
  readonly sets?: readonly PolicySet[] | undefined;
  readonly seed?: number | undefined;
  /** Steps of all tours of one set, but for those that close it. */
  readonly steps?: number | undefined;
  /** Capabilities that the target lacks. */
  readonly without?: ReadonlySet<string> | undefined;
  /** Which timers may expire; all unless said. */
  readonly timers?: ((name: string) => boolean) | undefined;
}

/** Steps of one tour, but for those that close it. */
const tourSteps = 48;
/** How many places a look ahead may look at. */
const outlook = 70;

/** Numbers from 0 up to and without 1, the same for the same seed. @see Mulberry32 */
function chanceOf(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** Walks through the composition with one set of policies. */
class Walk {
  readonly of: ControllingFunction;
  readonly #goals: Goals;
  readonly #shown: Set<number>;
  readonly #reach: Reach;
  readonly #chance: () => number;
  /** By machine: looks ahead that have found nothing since something was found. */
  readonly #vain: Map<MachineName, number>;
  readonly #visits = new Map<number, number>();

  constructor(set: PolicySet, goals: Goals, shown: Set<number>, vain: Map<MachineName, number>, reach: Reach, seed: number) {
    this.of = new ControllingFunction(modelPolicy(set), { spool: set.spool === "ready" ? "immediate" : "separate" });
    this.#goals = goals;
    this.#shown = shown;
    this.#vain = vain;
    this.#reach = reach;
    this.#chance = chanceOf(seed);
  }

  /** What can be done next; of it, what `concerns`. */
  #optionsAt(place: Place, concerns: (step: Step) => boolean = () => true): readonly Option[] {
    return stepsAt(this.of, place, this.#reach).flatMap((step): Option[] => {
      const walked = concerns(step) ? walk(this.of, place, step) : undefined;
      if (walked === undefined) return [];
      return [{ step, to: walked.place, key: hashOfPlace(walked.place), goals: [...new Set(walked.taken.flatMap((taken) => this.#goals.of(taken)))] }];
    });
  }

  /** One tour, which looks at one machine above all. */
  tour(focus: MachineName): Step[] {
    const steps: Step[] = [];
    let place = startOf(this.of);
    while (steps.length < tourSteps) {
      const way = this.#next(place, focus);
      if (way.length === 0) break;
      for (const { step, to, key, goals } of way) {
        steps.push(step);
        for (const goal of goals) this.#shown.add(goal);
        this.#visits.set(key, (this.#visits.get(key) ?? 0) + 1);
        place = to;
      }
    }
    return [...steps, ...this.#closing(place)];
  }

  /** The best of what is at hand; where that shows little, the way to the nearest place where something shows much. */
  #next(place: Place, focus: MachineName): readonly Option[] {
    let best: Option | undefined;
    let most = -1;
    for (const option of this.#some(place, focus)) {
      const worth = this.#worth(option, focus) + this.#chance() / 2;
      if (worth <= most) continue;
      most = worth;
      best = option;
    }
    if (best === undefined || most >= much) return best === undefined ? [] : [best];
    const vain = this.#vain.get(focus) ?? 0;
    if (this.#chance() > 1 / (1 + vain)) return [best];
    const way = this.#lookAhead(place, focus);
    this.#vain.set(focus, way.length > 0 ? 0 : vain + 1);
    return way.length > 0 ? way : [best];
  }

  /** What concerns the machine that is looked at, and some of the rest: all would take too long. */
  #some(place: Place, focus: MachineName): readonly Option[] {
    const share = focus === "group-session" ? 0.5 : 1;
    const some = this.#optionsAt(place, (step) => this.#chance() < (concerns(step, focus) ? share : 0.2));
    return some.length > 0 ? some : this.#optionsAt(place);
  }

  #worth({ goals, key, to }: Option, focus: MachineName): number {
    let worth = 2 / (1 + (this.#visits.get(key) ?? 0));
    for (const number of goals) {
      if (this.#shown.has(number)) continue;
      const { machine, kind } = this.#goals.all[number]!;
      worth += worths[kind] / (machine === focus || kind === "transition" ? 1 : farther);
    }
    // Nothing can come after the end.
    return to.server.instances.size > 1 ? worth : worth / 10;
  }

  /** Breadth first, among what concerns the machine that is looked at. */
  #lookAhead(from: Place, focus: MachineName): readonly Option[] {
    const seen = new Set([hashOfPlace(from)]);
    let edge: { readonly place: Place; readonly way: readonly Option[] }[] = [{ place: from, way: [] }];
    for (let looked = 0; edge.length > 0 && looked < outlook; ) {
      const next: typeof edge = [];
      for (const { place, way } of edge) {
        if (++looked > outlook) break;
        for (const option of this.#optionsAt(place, (step) => concerns(step, focus))) {
          if (way.length > 0 && this.#worth(option, focus) >= much) return [...way, option];
          if (seen.has(option.key)) continue;
          seen.add(option.key);
          next.push({ place: option.to, way: [...way, option] });
        }
      }
      edge = next;
    }
    return [];
  }

  /** Everybody hangs up, and every answer that is waited for comes. */
  #closing(from: Place): Step[] {
    const steps: Step[] = [];
    let place = from;
    while (place.server.instances.size > 1 && steps.length < 60) {
      const options = this.#optionsAt(place, (step) => isLast(step) || step[0].event.type === "sip.ACK");
      const closing = options.find(({ step }) => isLast(step)) ?? options[0];
      if (closing === undefined) break;
      steps.push(closing.step);
      for (const goal of closing.goals) this.#shown.add(goal);
      place = closing.to;
    }
    return steps;
  }
}

const worths: { readonly [K in Kind]: number } = { transition: 100, guard: 60, event: 30, class: 4 };
/** What is worth looking for. */
const much = 25;
/** How much less it is worth at a machine that is not looked at. */
const farther = 6;

/** Ends a dialog, an INVITE or a subscription for good. */
function isLast([{ event }]: Step): boolean {
  if (event.type === "sip.BYE") return event["reason"] === "callCompleted";
  if (event.type === "sip.SUBSCRIBE") return event["expires"] === "zero" && "from" in event;
  return event.type === "sip.BYE.answered" || event.type === "sip.CANCEL" || (event.type === "sip.rejected" && event["outcome"] === "declined");
}

const ofTransfers: ReadonlySet<MachineName> = new Set(["group-file-transfer", "large-message", "large-message-sender", "large-message-recipient"]);

/** A look ahead leaves alone what is far from the machine that is looked at. */
function concerns([{ on, event }]: Step, focus: MachineName): boolean {
  if (ofTransfers.has(focus)) return /^(transfer|message|sender|recipient) /.test(on) || event.type === "sip.INVITE.fileTransfer";
  if (focus === "group-participant") return on.startsWith("leg ");
  if (focus === "conference-subscription") return on.startsWith("subscription ") || event.type === "sip.SUBSCRIBE" || event.type === "sip.REFER.add";
  return !event.type.startsWith("sip.re") && !event.type.startsWith("sip.UPDATE") && !event.type.startsWith("data.") && !event.type.startsWith("xstate.after.session");
}

// ---------------------------------------------------------------- tours

interface Toured {
  readonly tours: readonly WireTour[];
  readonly goals: Goals;
  readonly shown: ReadonlySet<number>;
}

const made = new Map<string, Toured>();

/** The recommended tours; made once. */
export const wireTours = (options: WireToursOptions = {}): readonly WireTour[] => toured(options).tours;

function toured({ sets = policySets, seed = 1, steps = 700, without = new Set(), timers = () => true }: WireToursOptions): Toured {
  const key = JSON.stringify([sets, seed, steps, [...without], policyTimers.filter(timers)]);
  const known = made.get(key);
  if (known) return known;
  const goals = new Goals();
  const shown = new Set<number>();
  const vain = new Map<MachineName, number>();
  const tours = sets.flatMap((set, index) => toursOf(set, new Walk(set, goals, shown, vain, { without, timers, spool: set.spool }, seed * 1_000 + index), steps, seed));
  const result = { tours, goals, shown };
  made.set(key, result);
  return result;
}

const policyTimers = ["inactivityMs", "lifetimeMs", "reinviteMs", "ringMs", "cancelMs", "noAckMs", "bindMs", "sessionExpiresMs", "sessionRefreshMs", "glareMs", "senderByeMs", "notifyPaceMs", "subscriptionMs"].filter(isTimer);

function toursOf(set: PolicySet, walker: Walk, most: number, seed: number): WireTour[] {
  const tours: WireTour[] = [];
  for (let steps = 0, number = 0; steps < most && number < most / 4; number++) {
    const focus = names[number % names.length]!;
    const way = walker.tour(focus);
    steps += way.length;
    tours.push({
      id: `wire/${set.name}/${String(number).padStart(2, "0")}`,
      title: `${set.name}: ${focus}, ${way.length} steps`,
      policy: set.name,
      policies: set.policies,
      closed: set.closed,
      features: featuresOf(set, way),
      seed,
      steps: way,
    });
  }
  return tours;
}

const capabilityOf: { readonly [type: string]: string } = {
  "sip.SUBSCRIBE": "conferenceSubscription",
  "sip.REFER.add": "addByRefer",
  "sip.REFER.remove": "removeByRefer",
  "sip.reINVITE": "sessionRefresh",
  "sip.UPDATE": "sessionRefresh",
};

/** The capabilities that a tour needs, and the timers that expire in it. */
function featuresOf({ closed }: PolicySet, steps: readonly Step[]): string[] {
  const needed = steps.flat().flatMap(({ event }) => [capabilityOf[event.type], delayOf(event.type)]);
  return [...new Set([...(closed ? ["closedGroups"] : []), ...needed.filter((name) => name !== undefined)])].sort();
}

export { clauses, grounds, toured };
export type { Policy };
