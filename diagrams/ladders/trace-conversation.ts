/**
 * The trace of a live server as a conversation: devices on both sides, and between them the machines that decide.
 *
 * What machines of the server tell each other is left out: what comes of it is said on a wire, or is a state.
 */
import type { Conversation, Lifeline, Row } from "./ladder.ts";
import { arrivals, type StateValue } from "./state-words.ts";

/** A line of the trace, as far as it is drawn; somebody else wrote it. */
export interface TraceLine {
  readonly at: number;
  readonly of: string;
  readonly machine: string;
  readonly instance: string;
  readonly event?: { readonly type: string; readonly [param: string]: unknown };
  readonly state: StateValue;
  readonly effects: readonly { readonly type: string; readonly [param: string]: unknown }[];
  readonly refusal?: { readonly protocol: string; readonly status?: number };
}

/** Machines of one dialog, and which machine they belong to. */
const owners: Readonly<Record<string, string>> = {
  "group-participant": "group-session",
  "conference-subscription": "group-session",
  "large-message-sender": "large-message",
  "large-message-recipient": "large-message",
};

export function traceConversation(title: string, lines: readonly TraceLine[]): Conversation {
  const drawing = new Drawing();
  for (const line of lines) drawing.take(line);
  return drawing.conversation(title);
}

/** Where a lifeline stands: within its group, the session's or a transfer's part, and there before its machines or behind them. */
interface Place extends Lifeline {
  readonly of: string;
  readonly part: string;
  readonly isDialog: boolean;
}

class Drawing {
  /** In the order in which they came. */
  readonly #lifelines = new Map<string, Place>();
  readonly #rows: Row[] = [];
  readonly #states = new Map<string, StateValue>();
  /** By group and seat, the dialog that it was last heard on. */
  readonly #dialogs = new Map<string, string>();
  /** Who spoke before having a dialog of its own. */
  readonly #awaited = new Set<string>();
  #began: number | undefined;

  conversation(title: string): Conversation {
    const parts = new Map<string, Place[]>();
    for (const each of this.#lifelines.values()) parts.set(`${each.of} ${each.part}`, [...(parts.get(`${each.of} ${each.part}`) ?? []), each]);
    const lifelines = [...parts.values()].flatMap((part) => {
      const [first, ...others] = part.filter(({ isDialog }) => isDialog);
      return [...(first ? [first] : []), ...part.filter(({ isDialog }) => !isDialog), ...others];
    });
    return { title, lifelines: lifelines.map(({ id, says }) => ({ id, says })), rows: this.#rows };
  }

  take(line: TraceLine): void {
    const { machine, instance, of, at, event, state } = line;
    this.#began ??= at;
    const here = this.#lifelineOf(line);
    if (event !== undefined) {
      if (owners[machine] === undefined) this.#decision(line, here);
      else this.#dialog(line, here, this.#ownerOf(line));
    }
    const key = `${of} ${machine} ${instance}`;
    const now = arrivals(this.#states.get(key), state);
    this.#states.set(key, state);
    if (now.length > 0 && (event !== undefined || owners[machine] === undefined)) this.#rows.push({ kind: "state", at: here, says: now.join(" · ") });
  }

  /** An event of a machine that decides: what a peer asked, and its answer. */
  #decision({ of, machine, instance, event, effects, refusal, at }: TraceLine, here: string): void {
    const { type, from, ...params } = event!;
    if (type.startsWith("xstate.after.")) return void this.#timer(type, here);
    if (!/^(sip|msrp)\./.test(type)) {
      if (type.startsWith("admin.")) this.#rows.push({ kind: "note", says: `${this.#since(at)} the operator: ${words(type, params)}` });
      return;
    }
    // What another machine takes up stands where that one does.
    if (effects.some((effect) => effect.type === "startSubscription" || effect.type === "startFileTransfer")) return;
    const peer = machine === "group-file-transfer" ? this.#someone(of, instance, "the sender") : this.#seat(of, type === "sip.INVITE.create" ? 0 : from);
    this.#message(peer, here, `${this.#since(at)} ${words(type, params)}`);
    for (const { type: asked, ...given } of effects) {
      if (asked === "answer" || asked === "answerMsrp") this.#message(here, peer, words(asked, given));
      if (asked === "relay") for (const seat of given["to"] as readonly number[]) this.#message(here, this.#seat(of, seat), "relay");
    }
    this.#refused(refusal, here, peer);
  }

  /** An event of one dialog: what its device said, and what it is told. */
  #dialog({ event, effects, refusal, at }: TraceLine, here: string, owner: string): void {
    const { type, from: _, ...params } = event!;
    if (type.startsWith("xstate.after.")) this.#timer(type, here);
    else if (/^(sip|msrp|data)\./.test(type)) this.#message(here, owner, `${this.#since(at)} ${words(type, params)}`);
    for (const { type: asked, ...given } of effects) if (said.has(asked)) this.#message(owner, here, words(asked, given));
    this.#refused(refusal, owner, here);
  }

  #refused(refusal: TraceLine["refusal"], from: string, to: string): void {
    if (refusal?.status !== undefined) this.#message(from, to, `${refusal.protocol.toUpperCase()} ${refusal.status}: refused in this state`);
  }

  #message(from: string, to: string, says: string): void {
    this.#rows.push({ kind: "message", from, to, says });
  }

  #timer(type: string, at: string): void {
    this.#rows.push({ kind: "timer", at, says: `${type.split(".")[2]} has passed` });
  }

  #since = (at: number): string => `+${((at - this.#began!) / 1000).toFixed(3)}`;

  // -------------------------------------------------------------- lifelines

  #lifelineOf({ machine, of, instance }: Pick<TraceLine, "machine" | "of" | "instance">): string {
    const [part = "", tag = ""] = instance.split(".");
    switch (machine) {
      case "group-participant": {
        const waiting = `${of} session Participant ${part}`;
        const key = `${waiting} ${tag}`;
        const id = this.#awaited.delete(waiting) ? waiting : (this.#dialogs.get(key) ?? this.#add(key, `Participant ${part}${this.#lifelines.has(waiting) ? ` (${tag.slice(0, 4)})` : ""}`, of, "session", true));
        this.#dialogs.set(key, id).set(`${of} ${part}`, id);
        return id;
      }
      case "conference-subscription":
        return this.#seat(of, Number(part));
      case "large-message-sender":
        return this.#someone(of, part, "the sender");
      case "large-message-recipient":
        return this.#someone(of, part, `recipient ${tag}`);
      default:
        return this.#add(`${of} ${machine} ${instance}`, `${machine} (${instance.slice(0, 4)})`, of, machine === "group-session" ? "session" : part, false);
    }
  }

  /** A group has one session; a leg of a file carries the file's name. */
  #ownerOf({ machine, of, instance }: TraceLine): string {
    const owner = owners[machine]!;
    return this.#lifelineOf({ machine: owner, of, instance: owner === "group-session" ? of : instance.split(".")[0]! });
  }

  /** The dialog of a seat; one that is still to come for who has none. */
  #seat(of: string, seat: unknown): string {
    const dialog = typeof seat === "number" ? this.#dialogs.get(`${of} ${seat}`) : undefined;
    if (dialog !== undefined) return dialog;
    const says = typeof seat === "number" ? `Participant ${seat}` : "a stranger";
    const id = `${of} session ${says}`;
    if (!this.#lifelines.has(id)) this.#awaited.add(id);
    return this.#add(id, says, of, "session", true);
  }

  #someone = (of: string, transfer: string, says: string): string => this.#add(`${of} ${transfer} ${says}`, `${says} (${transfer.slice(0, 4)})`, of, transfer, true);

  #add(id: string, says: string, of: string, part: string, isDialog: boolean): string {
    if (!this.#lifelines.has(id)) this.#lifelines.set(id, { id, says, of, part, isDialog });
    return id;
  }
}

/** Effects that go over a wire. */
const said: ReadonlySet<string> = new Set(["sendSipRequest", "sendSipResponse", "sendBye", "answerSubscribe", "sendNotify"]);

/** Params that need no name. */
const plain: ReadonlySet<string> = new Set(["method", "status", "reason", "state"]);

const words = (type: string, params: Readonly<Record<string, unknown>>): string =>
  [type, ...Object.entries(params).flatMap(([name, value]) => (value === undefined ? [] : plain.has(name) ? [String(value)] : [`${name}=${typeof value === "string" ? value : JSON.stringify(value)}`]))].join(" ");
