/**
 * Tours on the wire: ways through the composed Controlling Function that its peers and its timers can cause.
 *
 * The composition has far more states than can be played. A walk goes where most is still to be shown, looks ahead where
 * nothing is near, and in the end closes everything, so that no dialog is left. What is to be shown is counted in the goal
 * classes, the transitions and the guards' decisions of every machine, over all steps that a machine of the composition takes.
 */
import type { AnyEventObject, AnyMachineSnapshot, AnyStateMachine } from "xstate";
import { machines, type MachineName } from "../../machines/index.ts";
import { delayOf, transitions } from "../../machines/inspect.ts";
import { defaults } from "../../machines/policies.ts";
import { ControllingFunction, type Taken } from "../composition/controlling-function.ts";
import { asked, askedOnTheWay, conditions, deciding } from "../explore.ts";
import { goalClassOf, leavesOf } from "../goals.ts";
import { nameOf } from "../places.ts";
import { distanceTo, machineOf } from "./guide.ts";
import { isTimer, modelPolicy, policySets, type PolicySet } from "./policy-sets.ts";
import { hashOfPlace, startOf, stepsAt, walk, type Place, type Reach, type Step } from "./possible-steps.ts";
import { unreachable } from "./unreachable.ts";
import type { WireTour } from "./verdict.ts";

export const machineNames = Object.keys(machines) as MachineName[];

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
    for (const { transition, enabled, decided } of decisionsOf(machine, from, event, step.handled)) {
      if (enabled) goals.push(this.#add(machine, "transition", transition));
      for (const said of decided) goals.push(this.#add(machine, "guard", `${transition} ${said}`));
    }
    this.#ofStep.set(step, goals);
    return goals;
  }
}

/** The transitions that are taken on the way of one event, and the guards that decide alone there: which one says what. */
function decisionsOf(name: MachineName, from: AnyMachineSnapshot, event: AnyEventObject, handled: boolean) {
  if (from.status !== "active") return [];
  const machine: AnyStateMachine = machines[name];
  return (handled ? askedOnTheWay : asked)(machine, from, event).map((answer) => ({
    transition: nameOf(answer.transition),
    enabled: answer.enabled,
    decided: deciding(machine, answer, event).flatMap((said, part) => (said === undefined ? [] : [`${part} ${said}`])),
  }));
}

// ---------------------------------------------------------------- the walk

/** One thing that can be done, and where it leads. */
interface Option {
  readonly step: Step;
  readonly to: Place;
  readonly hash: number;
  readonly goals: readonly number[];
}

/** What all walks have shown so far, and what they have looked for in vain. */
interface Shown {
  readonly goals: Goals;
  readonly shown: Set<number>;
  /** By machine: looks ahead that have found nothing since something was found. */
  readonly vain: Map<MachineName, number>;
}

/** Steps of one tour, but for those that close it. */
const tourSteps = 48;
/** How many places a search with a guide may look at. */
const guidedOutlook = 600;
/** Steps that may be needed to close everything. */
const closingSteps = 60;

/** How much a goal is worth at the machine that is looked at. */
const worths: { readonly [K in Kind]: number } = { transition: 100, guard: 60, event: 30, class: 4 };
/** What is worth looking for. */
const much = 25;
/** How much less it is worth at a machine that is not looked at. */
const farther = 6;

/** Numbers from 0 up to and without 1, the same for the same seed: Mulberry32. */
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
  readonly #of: ControllingFunction;
  readonly #goals: Goals;
  readonly #shown: Set<number>;
  readonly #vain: Map<MachineName, number>;
  readonly #reach: Reach;
  readonly #chance: () => number;
  readonly #visits = new Map<number, number>();
  /** How many places a look ahead may look at. */
  outlook = 70;

  constructor(set: PolicySet, { goals, shown, vain }: Shown, reach: Reach, seed: number) {
    this.#of = new ControllingFunction(modelPolicy(set), { spool: set.spool === "ready" ? "immediate" : "separate" });
    this.#goals = goals;
    this.#shown = shown;
    this.#vain = vain;
    this.#reach = reach;
    this.#chance = chanceOf(seed);
  }

  /** One tour, which looks at one machine above all. */
  tour(focus: MachineName): Step[] {
    const steps: Step[] = [];
    let place = startOf(this.#of);
    while (steps.length < tourSteps) {
      const way = this.#next(place, focus);
      if (way.length === 0) break;
      for (const option of way) {
        steps.push(option.step);
        place = this.#go(option);
      }
    }
    return [...steps, ...this.#closing(place)];
  }

  #go({ to, hash, goals }: Option): Place {
    for (const goal of goals) this.#shown.add(goal);
    this.#visits.set(hash, (this.#visits.get(hash) ?? 0) + 1);
    return to;
  }

  /** What can be done next; of it, what `concerns`. */
  #optionsAt(place: Place, concerns: (step: Step) => boolean = () => true): readonly Option[] {
    return stepsAt(this.#of, place, this.#reach).flatMap((step): Option[] => {
      const walked = concerns(step) ? walk(this.#of, place, step) : undefined;
      if (walked === undefined) return [];
      return [{ step, to: walked.place, hash: hashOfPlace(walked.place), goals: [...new Set(walked.taken.flatMap((taken) => this.#goals.of(taken)))] }];
    });
  }

  /** What concerns the machine that is looked at, and some of the rest: all would take too long. */
  #some(place: Place, focus: MachineName): readonly Option[] {
    const share = focus === "group-session" ? 0.5 : 1;
    const some = this.#optionsAt(place, (step) => this.#chance() < (concerns(step, focus) ? share : 0.2));
    return some.length > 0 ? some : this.#optionsAt(place);
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
    if (this.#chance() > 1 / (1 + vain) ** 2) return [best];
    const way = this.#lookAhead(place, focus);
    this.#vain.set(focus, way.length > 0 ? 0 : vain + 1);
    return way.length > 0 ? way : [best];
  }

  #worth({ goals, hash, to }: Option, focus: MachineName): number {
    let worth = 2 / (1 + (this.#visits.get(hash) ?? 0));
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
    for (let looked = 0; edge.length > 0 && looked < this.outlook; ) {
      const next: typeof edge = [];
      for (const { place, way } of edge) {
        if (++looked > this.outlook) break;
        for (const option of this.#optionsAt(place, (step) => concerns(step, focus))) {
          if (way.length > 0 && this.#worth(option, focus) >= much) return [...way, option];
          if (seen.has(option.hash)) continue;
          seen.add(option.hash);
          next.push({ place: option.to, way: [...way, option] });
        }
      }
      edge = next;
    }
    return [];
  }

  /** A tour to one transition, by the distance of its machine from it; undefined: there is none, or it is too far. */
  tourTo(transition: string): Step[] | undefined {
    const machine = machineOf(transition);
    const { input, snapshots } = this.#of.localsOf({ machine, recipients: 2 });
    const distance = distanceTo(transition, machine, input);
    if (distance === undefined) return undefined;
    const far = (distance(snapshots[0]!) ?? 0) + 1;
    const estimate = ({ server }: Place): number => Math.min(far, ...[...server.instances.values()].flatMap((instance) => (instance.machine === machine ? [distance(this.#of.snapshotOf(instance)) ?? far] : [])));
    const found = this.#search(estimate, ({ goals }) => goals.some((number) => this.#goals.all[number]!.says === transition && this.#goals.all[number]!.kind === "transition"));
    return found && [...found.map(({ step }) => step), ...this.#closing(found.map((option) => this.#go(option)).at(-1)!)];
  }

  /** Best first: the nearest of the places that are known. */
  #search(estimate: (place: Place) => number, isWanted: (option: Option) => boolean): readonly Option[] | undefined {
    const start = startOf(this.#of);
    const seen = new Set([hashOfPlace(start)]);
    const known: { readonly place: Place; readonly way: readonly Option[] }[][] = [[{ place: start, way: [] }]];
    for (let looked = 0; looked < guidedOutlook; looked++) {
      const next = known.find((bucket) => bucket !== undefined && bucket.length > 0)?.shift();
      if (next === undefined) return undefined;
      for (const option of this.#optionsAt(next.place)) {
        const way = [...next.way, option];
        if (isWanted(option)) return way;
        if (seen.has(option.hash)) continue;
        seen.add(option.hash);
        const cost = 4 * estimate(option.to) + way.length;
        (known[cost] ??= []).push({ place: option.to, way });
      }
    }
    return undefined;
  }

  /** Everybody hangs up, and every answer that is waited for comes. */
  #closing(from: Place): Step[] {
    const steps: Step[] = [];
    let place = from;
    while (place.server.instances.size > 1 && steps.length < closingSteps) {
      const options = this.#optionsAt(place, (step) => isLast(step) || step[0].event.type === "sip.ACK");
      const closing = options.find(({ step }) => isLast(step)) ?? options[0];
      if (closing === undefined) break;
      steps.push(closing.step);
      place = this.#go(closing);
    }
    return steps;
  }
}

/** Ends a dialog, an INVITE or a subscription for good. */
function isLast([{ on, event }]: Step): boolean {
  if (event.type === "sip.BYE") return event["reason"] === "callCompleted";
  if (event.type === "sip.SUBSCRIBE") return event["expires"] === "zero" && on.startsWith("subscription ");
  return event.type === "sip.BYE.answered" || event.type === "sip.CANCEL" || (event.type === "sip.rejected" && event["outcome"] === "declined");
}

const ofTransfers: ReadonlySet<MachineName> = new Set(["group-file-transfer", "large-message", "large-message-sender", "large-message-recipient"]);

/** A look ahead leaves alone what is far from the machine that is looked at. */
function concerns([{ on, event: { type } }]: Step, focus: MachineName): boolean {
  if (ofTransfers.has(focus)) return /^(transfer|message|sender|recipient) /.test(on) || type === "sip.INVITE.fileTransfer";
  if (focus === "group-participant") return on.startsWith("leg ");
  if (focus === "conference-subscription") return on.startsWith("subscription ") || type === "sip.SUBSCRIBE" || type === "sip.REFER.add";
  return !["sip.refreshed", "sip.reINVITE", "sip.UPDATE"].includes(type) && !type.startsWith("data.") && !type.startsWith("xstate.after.session");
}

// ---------------------------------------------------------------- tours

export interface WireToursOptions {
  /** Which ways to run the server; all of `policySets` unless said. */
  readonly sets?: readonly PolicySet[] | undefined;
  readonly seed?: number | undefined;
  /** Steps of all tours of one set, about; some more, where transitions are left. */
  readonly steps?: number | undefined;
  /** Capabilities that the target lacks. */
  readonly without?: ReadonlySet<string> | undefined;
  /** Which timers may expire; all unless said. */
  readonly timers?: ((name: string) => boolean) | undefined;
}

interface Toured extends Shown {
  readonly tours: readonly WireTour[];
}

const made = new Map<string, Toured>();
const timerNames = Object.keys(defaults).filter(isTimer);

/** The recommended tours, unless told otherwise; made once. */
export const wireTours = (options: WireToursOptions = {}): readonly WireTour[] => toured(options).tours;

function toured({ sets = policySets, seed = 1, steps = 500, without = new Set(), timers = () => true }: WireToursOptions): Toured {
  const key = JSON.stringify([sets, seed, steps, [...without], timerNames.filter(timers)]);
  const known = made.get(key);
  if (known) return known;
  const shown: Shown = { goals: new Goals(), shown: new Set(), vain: new Map() };
  const parties = sets.map((set, index) => new Party(set, new Walk(set, shown, { without, timers, spool: set.spool }, seed * 1_000 + index), seed));
  for (const party of parties) {
    shown.vain.clear();
    party.walk(steps);
  }
  if (sets === policySets && without.size === 0) reachTheRest(parties, shown);
  const result = { ...shown, tours: parties.flatMap(({ tours }) => tours) };
  made.set(key, result);
  return result;
}

/** The tours with one set of policies. */
class Party {
  readonly tours: WireTour[] = [];
  readonly walker: Walk;
  readonly #set: PolicySet;
  readonly #seed: number;

  constructor(set: PolicySet, walker: Walk, seed: number) {
    this.#set = set;
    this.walker = walker;
    this.#seed = seed;
  }

  /** Each machine is looked at in its turn. */
  walk(most: number): void {
    for (let steps = 0; steps < most && this.tours.length < most / 4; ) {
      const focus = machineNames[this.tours.length % machineNames.length]!;
      steps += this.add(focus, this.walker.tour(focus));
    }
  }

  add(about: string, steps: readonly Step[]): number {
    const { name, policies, closed } = this.#set;
    this.tours.push({
      id: `wire/${name}/${String(this.tours.length).padStart(2, "0")}`,
      title: `${name}: ${about}, ${steps.length} steps`,
      policy: name,
      policies,
      closed,
      features: featuresOf(this.#set, steps),
      seed: this.#seed,
      steps,
    });
    return steps.length;
  }
}

/** Tours more, until every transition that a peer can cause is shown. */
function reachTheRest(parties: readonly Party[], { goals, shown, vain }: Shown): void {
  const wanted = new Map(machineNames.flatMap((name) => transitions(machines[name]).map((transition) => [nameOf(transition), name] as const)));
  for (const { transition } of unreachable) wanted.delete(transition);
  const left = (): readonly string[] => {
    for (const number of shown) if (goals.all[number]!.kind === "transition") wanted.delete(goals.all[number]!.says);
    return [...wanted.keys()];
  };
  // Straight to those whose machine can be looked through.
  for (const transition of left()) {
    for (const party of wanted.has(transition) ? parties : []) {
      const steps = party.walker.tourTo(transition);
      if (steps === undefined) continue;
      party.add(transition, steps);
      left();
      break;
    }
  }
  // To the others by looking farther; a tour that shows none of them is not kept.
  for (let round = 0, missing = left(); round < 6; round++) {
    for (const party of parties) {
      if (missing.length === 0) return;
      const focus = wanted.get(missing[round % missing.length]!)!;
      vain.clear();
      party.walker.outlook = 400;
      party.add(focus, party.walker.tour(focus));
      if (left().length === missing.length) party.tours.pop();
      missing = left();
    }
  }
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

// ---------------------------------------------------------------- what they show

/** What the recommended tours show of one machine. */
export interface WireCoverage {
  /** Tours in which the machine takes a step. */
  readonly tours: number;
  /** Taken, and those that `unreachable.ts` lists. */
  readonly transitions: { readonly taken: number; readonly listed: number; readonly total: number; readonly missing: readonly string[]; readonly listedAndTaken: readonly string[] };
  /** Answers of guards that decide alone. */
  readonly guards: { readonly shown: number; readonly total: number };
  /** The goal classes that were shown, each once. */
  readonly classes: ReadonlySet<string>;
}

/** Computed from the tours, and not from a run of them. */
export function wireCoverage(name: MachineName): WireCoverage {
  const { goals, shown } = toured({});
  const of = (kind: Kind): string[] => [...shown].flatMap((number) => (goals.all[number]!.machine === name && goals.all[number]!.kind === kind ? [goals.all[number]!.says] : []));
  const taken = new Set(of("transition"));
  const all = transitions(machines[name]);
  const listed = unreachable.map(({ transition }) => transition).filter((transition) => all.some((one) => nameOf(one) === transition));
  return {
    tours: touring().filter(({ machines: seen }) => seen.has(name)).length,
    transitions: {
      taken: taken.size,
      listed: listed.length,
      total: all.length,
      missing: all.map(nameOf).filter((transition) => !taken.has(transition) && !listed.includes(transition)),
      listedAndTaken: listed.filter((transition) => taken.has(transition)),
    },
    guards: { shown: of("guard").length, total: all.flatMap(conditions).length * 2 },
    classes: new Set(of("class")),
  };
}

interface Touring {
  readonly id: string;
  readonly machines: ReadonlySet<MachineName>;
  /** By the names by which `scope.ts` speaks of them. */
  readonly transitions: ReadonlySet<string>;
}

let told: readonly Touring[] | undefined;

/** Which machines each recommended tour shows, and which transitions it takes. */
function touring(): readonly Touring[] {
  const known = new WeakMap<object, readonly string[]>();
  const transitionsOf = ({ machine, from, event, step }: Taken): readonly string[] => {
    const names = known.get(step) ?? decisionsOf(machine, from, event, step.handled).flatMap(({ transition, enabled }) => (enabled ? [transition] : []));
    known.set(step, names);
    return names;
  };
  return (told ??= wireTours().map(({ id, policies, closed, steps }): Touring => {
    const of = new ControllingFunction(modelPolicy({ policies, closed }), { spool: steps.some((step) => step.some(({ event }) => event.type === "largeMessage.execute")) ? "separate" : "immediate" });
    const seen = new Set<MachineName>();
    const transitions = new Set<string>();
    let place = startOf(of);
    for (const step of steps) {
      const walked = walk(of, place, step)!;
      place = walked.place;
      for (const taken of walked.taken) {
        seen.add(taken.machine);
        for (const name of transitionsOf(taken)) transitions.add(name);
      }
    }
    return { id, machines: seen, transitions };
  }));
}

/** The tours on the wire that take each transition, by its name. */
export function wireToursTaking(): ReadonlyMap<string, readonly string[]> {
  const taking = new Map<string, string[]>();
  for (const { id, transitions } of touring()) for (const name of transitions) taking.set(name, [...(taking.get(name) ?? []), id]);
  return taking;
}
