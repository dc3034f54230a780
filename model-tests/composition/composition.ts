/**
 * The whole: one Controlling Function, its clients, and between each client and it two ways of SIP and two of MSRP.
 *
 * A state is a row of numbers: the server, what goes on at each dialog (the client and its four ways), and what is left of the
 * budgets. A move is an act of a client, an arrival, a timer, an act of the operator, or what a bad network does. XState runs once
 * for each turn of the server and each step of a client that is met.
 */
import type { AnyStateMachine, AnyTransitionDefinition } from "xstate";
import type { MachineName } from "../../machines/index.ts";
import { delayOf } from "../../machines/inspect.ts";
import type { TimerName } from "../../machines/policies.ts";
import type { Seat } from "../../machines/terms.ts";
import type { Act } from "./client-machine.ts";
import { Clients, toldValue, type ClientStep, type Tag } from "./clients.ts";
import { ControllingFunction, keyOfServer, type Policy, type Server, type Stimulus, type Taken, type Turn } from "./controlling-function.ts";
import { Interned, PairMap } from "./interning.ts";
import { knownOf, permuted } from "./permutation.ts";
import { agreement, sentences, type Happening } from "./sentences.ts";
import { tolerations } from "./tolerations.ts";
import { arrives, heardOf, legOf, messageOf, messages, msrpDown, msrpUp, nameOf, numberOf, phaseOf, sipDown, sipUp, stimuliOf, timeoutOf, ways, type Dialog, type Heard, type Phase, type Setting, type Way } from "./wiring.ts";

/** What a bad network does. */
export type Mishap = "loss" | "duplication" | "overtaking";
export type OperatorAct = "end" | "shutdown";

/** How often things may happen, all together. What is in no budget may happen as often as it can. */
export interface Budget {
  readonly of: readonly (Act | TimerName | OperatorAct | Mishap)[];
  readonly count: number;
}

/** What is composed, and within which bounds. */
export interface Scenario {
  readonly name: string;
  readonly policy: Policy;
  readonly dialogs: readonly Dialog[];
  /** Whom the creator invites. */
  readonly invited: number;
  /** Brings the server to where it begins. */
  readonly prelude?: readonly Stimulus[];
  /** Timers that may expire. */
  readonly timers: readonly TimerName[];
  /** Timers of those that may be shorter than a message is under way. */
  readonly hasty?: readonly TimerName[];
  readonly operator: readonly OperatorAct[];
  readonly budgets: readonly Budget[];
  readonly mishaps?: readonly Mishap[];
  /** How many messages one way holds. */
  readonly capacity: number;
  /** Users who cannot be told apart: states that differ in who of them is who are one. */
  readonly alike?: readonly Seat[];
  /** Machines in place of the specified ones. */
  readonly replaced?: Partial<Record<MachineName, AnyStateMachine>>;
}

/** Timers much longer than a message is under way: they expire only while nothing that they wait for is, on that dialog. */
const patience: { readonly [N in TimerName]?: readonly Way[] } = {
  cancelMs: [sipUp, sipDown],
  noAckMs: [sipUp, sipDown],
  bindMs: [sipUp, sipDown, msrpUp],
  senderByeMs: [sipUp, sipDown, msrpUp],
};

// ---------------------------------------------------------------- moves

/** What happens next: who does it, where, and what, as one number. */
export type Move = number;
const kinds = ["acts", "hears", "readsMsrp", "arrives", "arrivesMsrp", "expires", "operator", "loses", "repeats", "timesOut", "asksInVain"] as const;
type Kind = (typeof kinds)[number];
const [acts, hears, readsMsrp, arrivesSip, arrivesMsrp, expires, operates, loses, repeats, timesOut, asksInVain] = kinds.map((_, kind) => kind << 24) as [
  number, number, number, number, number, number, number, number, number, number, number,
];
const moveOf = (kind: number, dialog: number, what: number): Move => kind | (dialog << 16) | what;
export const kindOf = (move: Move): Kind => kinds[move >> 24]!;
export const dialogOf = (move: Move): number => (move >> 16) & 0xff;
const whatOf = (move: Move): number => move & 0xffff;

/** Something that must not be. */
export interface Fault {
  readonly says: string;
  readonly beside?: string;
  /** The scenario is too small for what would come, and nothing is said of the machines. */
  readonly isBound?: true;
}
export const faultText = ({ says, beside }: Fault): string => (beside === undefined ? says : `${says} [${beside}]`);

/** Who looks at the moves of a state. `to` is reused: copy what is to be kept. */
export interface Visitor {
  move(to: Int32Array, move: Move): void;
  fault(fault: Fault, move: Move): void;
}

// ---------------------------------------------------------------- one dialog, interned

/** What goes on at one dialog: its client and the four ways. */
export interface Place {
  readonly kind: Dialog["kind"];
  readonly client: number;
  readonly queues: readonly (readonly number[])[];
}

/** Something that a client does by itself, or hears: it concerns its own dialog alone. */
interface ClientMove {
  readonly kind: number;
  readonly what: number;
  /** The place afterwards, or -1: a way overflows. */
  readonly to: number;
  readonly budget: number;
  /** Only where the server has no such dialog: a new one begins. */
  readonly begins: boolean;
  /** Only where the server owes nothing: nobody will answer. */
  readonly inVain: boolean;
  readonly fault: Fault | undefined;
}

// ---------------------------------------------------------------- one server, interned

/** What the moves of a state need to know of its server. */
export interface View {
  readonly server: Server;
  /** By dialog. */
  readonly phases: readonly Phase[];
  readonly timers: readonly { readonly stimulus: number; readonly dialog: number; readonly patience: readonly Way[]; readonly budget: number }[];
  readonly operator: readonly { readonly stimulus: number; readonly budget: number }[];
  /** By dialog: the stimulus of a request of ours that nobody answers, or -1. */
  readonly inVain: readonly number[];
  readonly fault: Fault | undefined;
  readonly over: boolean;
}

/** One turn, by numbers. */
export interface TurnByNumbers {
  /** `free`: which dialogs a call could use, as bits; -1 where nobody was called. */
  readonly of: { readonly server: number; readonly stimulus: number; readonly free: number };
  readonly to: number;
  readonly heard: readonly Heard[];
  readonly fault: Fault | undefined;
  /** Nothing has changed and nobody hears anything. */
  readonly idle: boolean;
  /** The scenario has no room for what comes of it. */
  readonly impossible?: true;
}

/** A stimulus that is not a message: a timer or an act of the operator. */
interface Spontaneous {
  readonly told: string;
  readonly stimuli: readonly Stimulus[];
}

export class Composition {
  readonly scenario: Scenario;
  readonly functions: ControllingFunction;
  readonly width: number;
  readonly initial: Int32Array;
  readonly clients = new Clients();
  readonly servers = new Interned<View>();
  readonly places = new Interned<Place>();
  readonly turns: TurnByNumbers[] = [];
  /** The transitions of the server's machines that were taken. */
  readonly covered = new Set<AnyTransitionDefinition>();
  /** Why arrivals were refused or left unanswered, where that is allowed. */
  readonly tolerated = new Set<string>();
  readonly setting: Setting;
  readonly #dialogs: readonly Dialog[];
  readonly #spontaneous = new Interned<Spontaneous>();
  readonly #turnOf = new PairMap();
  readonly #placedTurns = new Map<string, number>();
  readonly #clientMoves: (readonly ClientMove[])[][] = [];
  readonly #push = new PairMap();
  readonly #pop = new PairMap();
  readonly #quiet: boolean[] = [];
  readonly #budgetOf = new Map<string, number>();
  readonly #radix: number[] = [];
  readonly #mishaps: ReadonlySet<Mishap>;
  readonly #signatures: Int32Array[] = [];
  readonly #signed = new Interned<null>();
  readonly #permuted = new PairMap();
  readonly #seatDialogs: readonly (readonly number[])[];
  // Room that is used again and again.
  readonly #next: Int32Array;
  readonly #before: Int32Array;
  readonly #order: Int32Array;
  /** For the turn that runs: the dialogs that may be used for new calls (undefined: any), whether it asked, and the chat that an INVITE came on. */
  #free: number | undefined;
  #askedForPlace = false;
  #arrival: Dialog | undefined;
  readonly #begin: string;

  constructor(scenario: Scenario) {
    this.scenario = scenario;
    if (scenario.dialogs.length > 31) throw new RangeError("free dialogs are the bits of a number: 31 at most");
    this.#dialogs = scenario.dialogs;
    this.#mishaps = new Set(scenario.mishaps);
    this.functions = new ControllingFunction(scenario.policy, {
      spool: "immediate",
      places: (server, kind, seat) => this.#place(server, kind, seat),
      ...(scenario.replaced && { replaced: scenario.replaced }),
    });
    this.setting = { functions: this.functions, dialogs: this.#dialogs, invited: scenario.invited };
    let weight = 1;
    scenario.budgets.forEach(({ of, count }, index) => {
      this.#radix[index] = weight;
      weight *= count + 1;
      for (const name of of) this.#budgetOf.set(name, index);
    });
    this.#seatDialogs = (scenario.alike ?? []).map((seat) => this.#dialogs.flatMap((dialog, index) => (dialog.seat === seat ? [index] : [])));
    this.width = 2 + this.#dialogs.length;
    this.#next = new Int32Array(this.width);
    this.#before = new Int32Array(this.width);
    this.#order = new Int32Array(this.#seatDialogs.length);
    this.initial = new Int32Array(this.width);
    const begin = (scenario.prelude ?? []).reduce((server, stimulus) => this.functions.turn(server, stimulus).after, this.functions.fresh);
    this.#begin = keyOfServer(begin);
    this.initial[0] = this.#serverOf(begin);
    this.#dialogs.forEach(({ kind }, index) => (this.initial[1 + index] = this.#placeOf({ kind, client: this.clients.first(kind), queues: [[], [], [], []] })));
    this.initial[this.width - 1] = scenario.budgets.reduce((sum, { count }, index) => sum + count * this.#radix[index]!, 0);
  }

  // -------------------------------------------------------------- looking at a state

  isOver(state: Int32Array): boolean {
    if (!this.servers.items[state[0]!]!.over) return false;
    for (let index = 0; index < this.#dialogs.length; index++) if (!this.#isFree(state[1 + index]!)) return false;
    return true;
  }

  /** What is wrong with a state, whatever led to it. */
  faultIn(state: Int32Array): Fault | undefined {
    const { fault, phases } = this.servers.items[state[0]!]!;
    if (fault !== undefined) return fault;
    if (this.#mishaps.has("loss")) return undefined;
    for (let index = 0; index < this.#dialogs.length; index++) {
      const place = this.places.items[state[1 + index]!]!;
      if (place.queues[sipUp]!.length > 0 || place.queues[sipDown]!.length > 0) continue;
      if (!this.#agree(phases[index]!, place.client)) return { says: `${agreement.says}: ${nameOf(this.#dialogs[index]!)} is ${this.clients.told(place.client)}, the server ${phases[index]!}`, beside: agreement.beside };
    }
    return undefined;
  }

  #agree(phase: Phase, client: number): boolean {
    const together: Partial<Record<Phase, Tag>> = { none: "idle", calling: "ringing", offered: "calling", open: "open" };
    const tag = together[phase];
    return tag !== undefined && this.clients.is(client, tag);
  }

  /** A state in words. */
  told(state: Int32Array): string {
    const view = this.servers.items[state[0]!]!;
    const dialogs = this.#dialogs.map((dialog, index) => {
      const { client, queues } = this.places.items[state[1 + index]!]!;
      const underWay = queues.flatMap((queue, way) => (queue.length > 0 ? [`${ways[way]}: ${queue.map(messageOf).join(", ")}`] : []));
      return `${nameOf(dialog)}: ${this.clients.told(client)}${underWay.length > 0 ? ` (${underWay.join("; ")})` : ""}`;
    });
    const server = [...view.server.instances.values()].map((instance) => `${instance.address} ${toldValue(this.functions.snapshotOf(instance).value)}`);
    return [`server: ${server.join(", ")}`, ...dialogs].join("\n");
  }

  /** A move in words: the same in every run, so that it can be kept and found again. */
  describe(state: Int32Array, move: Move): string {
    const dialog = dialogOf(move);
    const what = whatOf(move);
    const name = this.#dialogs[dialog] && nameOf(this.#dialogs[dialog]);
    switch (kindOf(move)) {
      case "acts":
        return `${name}: ${this.#dialogs[dialog]!.acts[what]!}`;
      case "hears":
        return `${name} hears ${messageOf(this.#headOf(state, dialog, sipDown, what))}${what > 0 ? ", which has overtaken" : ""}`;
      case "readsMsrp":
        return `${name} hears ${messageOf(this.#headOf(state, dialog, msrpDown, 0))} on MSRP`;
      case "arrives":
        return `${messageOf(this.#headOf(state, dialog, sipUp, what))} of ${name} arrives${what > 0 ? ", which has overtaken" : ""}`;
      case "arrivesMsrp":
        return `${messageOf(this.#headOf(state, dialog, msrpUp, 0))} of ${name} arrives on MSRP`;
      case "expires":
      case "operator":
        return this.#spontaneous.items[what]!.told;
      case "loses":
        return `${messageOf(this.#headOf(state, dialog, what, 0))} ${what === sipUp ? "of" : "to"} ${name} is lost`;
      case "repeats":
        return `${messageOf(this.#headOf(state, dialog, what, 0))} ${what === sipUp ? "of" : "to"} ${name} comes twice`;
      case "timesOut":
        return `${name} waits no longer`;
      case "asksInVain":
        return `nobody answers what ${name} was asked`;
    }
  }

  #headOf(state: Int32Array, dialog: number, way: number, position: number): number {
    return this.places.items[state[1 + dialog]!]!.queues[way]![position]!;
  }

  // -------------------------------------------------------------- what can happen

  /** Shows every move of a state. */
  expand(state: Int32Array, visitor: Visitor): void {
    const view = this.servers.items[state[0]!]!;
    const budgets = state[this.width - 1]!;
    for (let dialog = 0; dialog < this.#dialogs.length; dialog++) {
      this.#moveClient(state, view, dialog, budgets, visitor);
      this.#arrive(state, view, dialog, budgets, visitor);
    }
    for (const { stimulus, dialog, patience: waits, budget } of view.timers) {
      if (waits.length > 0 && !this.#areQuiet(state[1 + dialog]!, waits)) continue;
      this.#spontaneousTurn(state, stimulus, budget, moveOf(expires, 0, stimulus), visitor);
    }
    for (const { stimulus, budget } of view.operator) this.#spontaneousTurn(state, stimulus, budget, moveOf(operates, 0, stimulus), visitor);
  }

  #areQuiet(place: number, which: readonly Way[]): boolean {
    if (this.#quiet[place]) return true;
    const { queues } = this.places.items[place]!;
    return which.every((way) => queues[way]!.length === 0);
  }

  #isLeft(budgets: number, budget: number): boolean {
    return budget < 0 || Math.trunc(budgets / this.#radix[budget]!) % (this.scenario.budgets[budget]!.count + 1) > 0;
  }

  #spend(next: Int32Array, budget: number): void {
    if (budget >= 0) next[this.width - 1]! -= this.#radix[budget]!;
  }

  #copy(state: Int32Array): Int32Array {
    const next = this.#next;
    for (let cell = 0; cell < this.width; cell++) next[cell] = state[cell]!;
    return next;
  }

  #moveClient(state: Int32Array, view: View, dialog: number, budgets: number, visitor: Visitor): void {
    const place = state[1 + dialog]!;
    const known = (this.#clientMoves[dialog] ??= []);
    for (const { kind, what, to, budget, begins, inVain, fault } of (known[place] ??= this.#clientMovesOf(dialog, place))) {
      if (!this.#isLeft(budgets, budget)) continue;
      if (begins && view.phases[dialog] !== "none") continue;
      if (inVain && view.phases[dialog] === "offered") continue;
      const move = moveOf(kind, dialog, what);
      if (fault !== undefined) {
        visitor.fault(fault, move);
        continue;
      }
      const next = this.#copy(state);
      next[1 + dialog] = to;
      this.#spend(next, budget);
      visitor.move(next, move);
    }
  }

  /** What the client of one dialog can do, hear and wait for in vain, and what the network can do to its messages. */
  #clientMovesOf(dialog: number, index: number): ClientMove[] {
    const { kind, acts: possible } = this.#dialogs[dialog]!;
    const place = this.places.items[index]!;
    const found: ClientMove[] = [];
    const add = (move: number, what: number, from: number, done: ClientStep, more: Partial<ClientMove> = {}) => {
      let to = this.#placeOf({ ...this.places.items[from]!, client: done.to });
      let fault: Fault | undefined;
      for (const { way, message } of done.said) {
        const next = to < 0 ? -1 : this.#pushed(to, way, message);
        if (next < 0) fault = this.#overflow(dialog, way);
        to = next;
      }
      found.push({ kind: move, what, to, budget: -1, begins: false, inVain: false, fault, ...more });
    };
    possible.forEach((act, what) => {
      const done = this.clients.step(kind, place.client, `act.${act}`);
      const begins = act === "create" || act === "join" || act === "offer";
      if (done === undefined || (begins && !this.#quiet[index])) return;
      add(acts, what, index, done, { budget: this.#budgetOf.get(act) ?? -1, begins });
    });
    const hear = (move: number, way: Way, position: number, budget: number) => {
      const message = place.queues[way]![position]!;
      const done = this.clients.step(kind, place.client, messageOf(message));
      if (done !== undefined) return add(move, position, this.#without(index, way, position), done, { budget });
      const fault = { says: `unspecified reception: ${nameOf(this.#dialogs[dialog]!)}, ${this.clients.told(place.client)}, hears ${messageOf(message)}` };
      found.push({ kind: move, what: position, to: index, budget, begins: false, inVain: false, fault });
    };
    if (place.queues[sipDown]!.length > 0) hear(hears, sipDown, 0, -1);
    if (this.#mayOvertake(place.queues[sipDown]!)) hear(hears, sipDown, 1, this.#budgetOf.get("overtaking") ?? -1);
    if (place.queues[msrpDown]!.length > 0) hear(readsMsrp, msrpDown, 0, -1);
    if (this.#mishaps.has("loss")) {
      const timeout = this.clients.step(kind, place.client, "timeout");
      const waits = this.clients.is(place.client, "waiting") || this.clients.is(place.client, "asking");
      if (timeout !== undefined && waits && place.queues[sipUp]!.length === 0 && place.queues[sipDown]!.length === 0) add(timesOut, 0, index, timeout, { inVain: true });
    }
    for (const way of [sipUp, sipDown] as const) {
      const [head] = place.queues[way]!;
      if (head === undefined) continue;
      const mishap = (move: number, to: number, budget: Mishap) =>
        found.push({ kind: move, what: way, to, budget: this.#budgetOf.get(budget) ?? -1, begins: false, inVain: false, fault: undefined });
      if (this.#mishaps.has("loss")) mishap(loses, this.#without(index, way, 0), "loss");
      if (this.#mishaps.has("duplication") && repeated.has(messageOf(head)) && place.queues[way]!.length < this.scenario.capacity) mishap(repeats, this.#pushed(index, way, head), "duplication");
    }
    return found;
  }

  /** The second message may come first. A CANCEL waits for a response to its INVITE. @see RFC 3261 §9.1 */
  #mayOvertake(queue: readonly number[]): boolean {
    return this.#mishaps.has("overtaking") && queue.length > 1 && queue[0] !== queue[1] && messageOf(queue[1]!) !== "CANCEL";
  }

  #arrive(state: Int32Array, view: View, dialog: number, budgets: number, visitor: Visitor): void {
    const index = state[1 + dialog]!;
    const { queues } = this.places.items[index]!;
    const sip = queues[sipUp]!;
    if (sip.length > 0) this.#takeArrival(state, dialog, sipUp, 0, -1, moveOf(arrivesSip, dialog, 0), visitor);
    if (this.#mayOvertake(sip)) {
      const budget = this.#budgetOf.get("overtaking") ?? -1;
      if (this.#isLeft(budgets, budget)) this.#takeArrival(state, dialog, sipUp, 1, budget, moveOf(arrivesSip, dialog, 1), visitor);
    }
    const phase = view.phases[dialog]!;
    if (queues[msrpUp]!.length > 0 && phase !== "calling" && phase !== "cancelling" && phase !== "offered") this.#takeArrival(state, dialog, msrpUp, 0, -1, moveOf(arrivesMsrp, dialog, 0), visitor);
    if (this.#mishaps.has("loss") && view.inVain[dialog]! >= 0 && sip.length === 0 && queues[sipDown]!.length === 0 && !this.clients.is(this.places.items[index]!.client, "ringing"))
      this.#spontaneousTurn(state, view.inVain[dialog]!, -1, moveOf(asksInVain, dialog, 0), visitor);
  }

  #takeArrival(state: Int32Array, dialog: number, way: Way, position: number, budget: number, move: Move, visitor: Visitor): void {
    const place = state[1 + dialog]!;
    const message = this.places.items[place]!.queues[way]![position]!;
    const next = this.#copy(state);
    next[1 + dialog] = this.#without(place, way, position);
    this.#spend(next, budget);
    this.#apply(next, this.#turn(state, this.stimulusOf(dialog, message)), move, visitor);
  }

  #spontaneousTurn(state: Int32Array, stimulus: number, budget: number, move: Move, visitor: Visitor): void {
    if (!this.#isLeft(state[this.width - 1]!, budget)) return;
    const turn = this.#turn(state, this.spontaneousStimulus(stimulus));
    if (turn.idle) return;
    const next = this.#copy(state);
    this.#spend(next, budget);
    this.#apply(next, turn, move, visitor);
  }

  #apply(next: Int32Array, { to, heard, fault, impossible }: TurnByNumbers, move: Move, visitor: Visitor): void {
    if (fault !== undefined) visitor.fault(fault, move);
    if (impossible) return;
    next[0] = to;
    for (const { dialog, way, message } of heard) {
      if (message === "INVITE" && !this.#isFree(next[1 + dialog]!)) return visitor.fault({ says: new NoPlace(this.#dialogs[dialog]!.seat).message, isBound: true }, move);
      const place = this.#pushed(next[1 + dialog]!, way, numberOf(message as never));
      if (place < 0) return visitor.fault(this.#overflow(dialog, way), move);
      next[1 + dialog] = place;
    }
    visitor.move(next, move);
  }

  #overflow(dialog: number, way: Way): Fault {
    return { says: `more than ${this.scenario.capacity} messages are ${ways[way]} of ${nameOf(this.#dialogs[dialog]!)}`, isBound: true };
  }

  // -------------------------------------------------------------- turns of the server

  /** Stimuli are numbers: a message of a dialog, or behind those a timer or an act of the operator. */
  stimulusOf(dialog: number, message: number): number {
    return dialog * (messages.length + 1) + message;
  }
  spontaneousStimulus(index: number): number {
    return this.#dialogs.length * (messages.length + 1) + index;
  }
  get spontaneousCount(): number {
    return this.#spontaneous.items.length;
  }
  toldSpontaneous(index: number): string {
    return this.#spontaneous.items[index]!.told;
  }

  #turn(state: Int32Array, stimulus: number): TurnByNumbers {
    const server = state[0]!;
    const known = this.#turnOf.get(server, stimulus);
    if (known >= 0) return this.turns[known]!;
    const free = this.#freeDialogs(state);
    // A turn that calls somebody depends on which dialogs are free; `-2` remembers that it does.
    const key = known === -2 ? `${server} ${stimulus} ${free}` : "";
    const placed = known === -2 ? this.#placedTurns.get(key) : undefined;
    if (placed !== undefined) return this.turns[placed]!;
    this.#askedForPlace = false;
    this.#free = free;
    const made = this.#run(server, stimulus);
    const turn: TurnByNumbers = { of: { server, stimulus, free: this.#askedForPlace ? free : -1 }, ...made };
    const index = this.turns.push(turn) - 1;
    if (known === -1) this.#turnOf.set(server, stimulus, this.#askedForPlace ? -2 : index);
    if (this.#askedForPlace) this.#placedTurns.set(`${server} ${stimulus} ${free}`, index);
    return turn;
  }

  /** Dialogs on which nothing goes on at all, as bits. */
  #freeDialogs(state: Int32Array): number {
    let free = 0;
    for (let index = 0; index < this.#dialogs.length; index++) if (this.#isFree(state[1 + index]!)) free |= 1 << index;
    return free;
  }

  #isFree(place: number): boolean {
    return this.#quiet[place]! && this.clients.is(this.places.items[place]!.client, "idle");
  }

  /** For a call: a dialog with that user on which nothing goes on. For who comes: the dialog it came on. */
  #place({ instances }: Server, kind: "leg" | "subscription", seat: Seat): number {
    if (this.#arrival?.seat === seat) return this.#arrival.place;
    if (this.#free === undefined) return 0;
    this.#askedForPlace = true;
    for (let index = 0; index < this.#dialogs.length; index++) {
      const dialog = this.#dialogs[index]!;
      if (dialog.kind === "chat" && dialog.seat === seat && (this.#free >> index) & 1 && !instances.has(`${kind} ${seat}.${dialog.place}`)) return dialog.place;
    }
    throw new NoPlace(seat);
  }

  #run(server: number, stimulus: number): Omit<TurnByNumbers, "of"> {
    const before = this.servers.items[server]!.server;
    const spontaneous = stimulus - this.spontaneousStimulus(0);
    const dialog = spontaneous < 0 ? Math.trunc(stimulus / (messages.length + 1)) : undefined;
    const message = spontaneous < 0 ? stimulus % (messages.length + 1) : 0;
    const joins = dialog !== undefined && ["INVITE create", "INVITE join"].includes(messageOf(message));
    this.#arrival = joins ? this.#dialogs[dialog] : undefined;
    const stimuli = dialog === undefined ? this.#spontaneous.items[spontaneous]!.stimuli : stimuliOf(this.setting, this.#dialogs[dialog]!, messageOf(message), before);
    let at = before;
    let fault: Fault | undefined;
    const heard: Heard[] = [];
    for (const one of stimuli) {
      const arrived = arrives(at, one);
      if (arrived === undefined) continue;
      const turn = this.#tryTurn(arrived, one);
      if (turn instanceof NoPlace) return { to: server, heard: [], fault: { says: turn.message, isBound: true }, idle: false, impossible: true };
      for (const { step: one } of turn.taken) for (const transition of one.taken) this.covered.add(transition);
      heard.push(...heardOf(this.setting, dialog, one, at, turn.after, turn.shown));
      fault ??= this.#faultOn({ functions: this.functions, stimulus: one, before: at, turn });
      at = turn.after;
    }
    const to = this.#serverOf(at);
    return { to, heard, fault, idle: to === server && heard.length === 0 };
  }

  #tryTurn(server: Server, stimulus: Stimulus): Turn | NoPlace {
    try {
      return this.functions.turn(server, stimulus);
    } catch (fault) {
      if (fault instanceof NoPlace) return fault;
      throw fault;
    }
  }

  #faultOn(happening: Happening): Fault | undefined {
    for (const sentence of sentences) if (sentence.onTurn && !sentence.onTurn(happening)) return sentence;
    const [first] = happening.turn.taken;
    return first && this.#unspecified(first);
  }

  /** An arrival from a peer that its machine neither takes nor may refuse. */
  #unspecified({ address, event, from, step: { refusal, handled } }: Taken): Fault | undefined {
    if (handled || refusal === undefined || !/^(sip|msrp)\./.test(event.type)) return undefined;
    const tolerated = tolerations.find(({ events, states, on }) => events.includes(event.type) && (on?.some((mishap) => this.#mishaps.has(mishap)) ?? true) && states.some((state) => from.matches(state as never)));
    if (tolerated) {
      this.tolerated.add(tolerated.because);
      return undefined;
    }
    return { says: `unspecified reception: ${address}, ${toldValue(from.value)}, gets ${event.type}`, beside: "RFC 3261 §12.2.2" };
  }

  /** The server's number. Its instances are put in order, so that equal servers go on equally. */
  #serverOf({ instances, relays }: Server): number {
    const server: Server = { instances: new Map([...instances].sort(([a], [b]) => (a < b ? -1 : 1))), relays };
    return this.servers.indexOf(keyOfServer(server), () => this.#view(server));
  }

  #view(server: Server): View {
    const { functions, scenario } = this;
    const legs = this.#dialogs.map((dialog) => legOf(server, dialog));
    const phases = legs.map((leg) => phaseOf(leg, functions));
    const timers = functions.timers(server).flatMap(({ on, event }) => {
      const timer = delayOf(event.type) as TimerName;
      if (!scenario.timers.includes(timer)) return [];
      const dialog = legs.findIndex((leg) => leg?.address === on);
      if (dialog < 0 && on !== "group") return [];
      const leg = legs[dialog];
      // The session timers are longer than noAckMs: a session has been confirmed or given up before.
      if (timer.startsWith("session") && leg && !functions.snapshotOf(leg).matches({ open: { dialog: "confirmed" } } as never)) return [];
      const told = `${timer} of ${dialog < 0 ? "the group" : nameOf(this.#dialogs[dialog]!)} expires`;
      const stimulus = this.#spontaneous.indexOf(`${on} ${event.type}`, () => ({ told, stimuli: [{ on, event }] }));
      return [{ stimulus, dialog, patience: scenario.hasty?.includes(timer) ? [] : (patience[timer] ?? []), budget: this.#budgetOf.get(timer) ?? -1 }];
    });
    const running = [...server.instances.values()].filter(({ machine }) => machine === "large-message").map(({ address }) => address);
    const operator = scenario.operator.map((act) => {
      const told = act === "end" ? "the operator ends the group" : "the server stops";
      const type = `admin.${act}`;
      // A group that is only the ground of a transfer stays as it is.
      const on = [...(scenario.prelude === undefined ? ["group"] : []), ...(act === "shutdown" ? running : [])];
      const stimulus = this.#spontaneous.indexOf(`${told} ${on.join()}`, () => ({ told, stimuli: on.map((address) => ({ on: address, event: { type } })) }));
      return { stimulus, budget: this.#budgetOf.get(act) ?? -1 };
    });
    const inVain = legs.map((leg, index) => {
      const event = leg && timeoutOf(leg, functions);
      if (event === undefined) return -1;
      const told = `nobody answers what ${nameOf(this.#dialogs[index]!)} was asked`;
      return this.#spontaneous.indexOf(`${leg!.address} ${event.type}`, () => ({ told, stimuli: [{ on: leg!.address, event }] }));
    });
    const group = functions.snapshotOf(server.instances.get("group")!);
    const fault = sentences.find(({ atRest }) => atRest && !atRest(server, functions));
    const isNobodys = server.instances.size === 1 && (group.status !== "active" || group.matches("new" as never));
    const over = scenario.prelude === undefined ? isNobodys : keyOfServer(server) === this.#begin;
    return { server, phases, timers, operator, inVain, fault, over };
  }

  // -------------------------------------------------------------- places and their ways

  #placeOf(place: Place): number {
    const index = this.places.indexOf(`${place.kind} ${place.client} ${place.queues.join("|")}`, () => place);
    this.#quiet[index] ??= place.queues.every((queue) => queue.length === 0);
    return index;
  }

  /** The place with one message more; -1 when there is no room. */
  #pushed(place: number, way: Way, message: number): number {
    const key = way * (messages.length + 1) + message;
    const known = this.#push.get(place, key);
    if (known !== -1) return known === -2 ? -1 : known;
    const { queues } = this.places.items[place]!;
    const isFull = queues[way]!.length >= this.scenario.capacity;
    const to = isFull ? -2 : this.#placeOf({ ...this.places.items[place]!, queues: queues.map((queue, each) => (each === way ? [...queue, message] : queue)) });
    this.#push.set(place, key, to);
    return isFull ? -1 : to;
  }

  /** The place without one message. */
  #without(place: number, way: Way, position: number): number {
    const key = way * 16 + position;
    const known = this.#pop.get(place, key);
    if (known >= 0) return known;
    const { queues } = this.places.items[place]!;
    const to = this.#placeOf({ ...this.places.items[place]!, queues: queues.map((queue, each) => (each === way ? queue.toSpliced(position, 1) : queue)) });
    this.#pop.set(place, key, to);
    return to;
  }

  // -------------------------------------------------------------- who is like whom

  /** Puts those who are alike in order, in place: states that differ in who of them is who become one. */
  canonicalise(state: Int32Array): void {
    const order = this.#order;
    if (order.length < 2) return;
    const signatures = this.#signaturesOf(state[0]!);
    let isSorted = true;
    for (let at = 0; at < order.length; at++) {
      let before = at;
      for (; before > 0 && this.#compare(state, signatures, order[before - 1]!, at) > 0; before--) order[before] = order[before - 1]!;
      order[before] = at;
      isSorted &&= before === at;
    }
    if (isSorted) return;
    const before = this.#before;
    before.set(state);
    for (let to = 0; to < order.length; to++) {
      const [mine, theirs] = [this.#seatDialogs[to]!, this.#seatDialogs[order[to]!]!];
      for (let at = 0; at < mine.length; at++) state[1 + mine[at]!] = before[1 + theirs[at]!]!;
    }
    state[0] = this.#permute(state[0]!, order);
  }

  #compare(state: Int32Array, signatures: Int32Array, a: number, b: number): number {
    if (signatures[a] !== signatures[b]) return signatures[a]! - signatures[b]!;
    const [mine, theirs] = [this.#seatDialogs[a]!, this.#seatDialogs[b]!];
    for (let at = 0; at < mine.length; at++) {
      const difference = state[1 + mine[at]!]! - state[1 + theirs[at]!]!;
      if (difference !== 0) return difference;
    }
    return 0;
  }

  /** By user who is like others: a number for all that the server knows of it. */
  #signaturesOf(server: number): Int32Array {
    return (this.#signatures[server] ??= Int32Array.from(this.scenario.alike ?? [], (seat) => this.#signed.indexOf(knownOf(this.servers.items[server]!.server, seat, this.functions), () => null)));
  }

  /** The server in which the users who are alike have changed places: who comes `at` was `order[at]`. */
  #permute(server: number, order: Int32Array): number {
    let word = 0;
    for (const from of order) word = word * order.length + from;
    const known = this.#permuted.get(server, word);
    if (known >= 0) return known;
    const alike = this.scenario.alike!;
    const seats = new Map([...order].map((from, to) => [alike[from]!, alike[to]!]));
    const made = this.#serverOf(permuted(this.servers.items[server]!.server, (seat) => seats.get(seat) ?? seat, this.functions));
    this.#permuted.set(server, word, made);
    return made;
  }
}

/** No dialog is left for a call: the scenario has too few. */
export class NoPlace extends Error {
  constructor(seat: Seat) {
    super(`the scenario has no dialog left on which seat ${seat} could be called`);
  }
}

/** What the transactions let through when it is repeated: what has no transaction of its own, or one that ends with it. @see RFC 3261 §13.3.1.4, §17.1.1 */
const repeated: ReadonlySet<string> = new Set(["ACK", "180", "200", "200 unwrapped", "200 other types", "200 INVITE"]);
