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

class Drawing {
  readonly #lifelines = new Map<string, Lifeline>();
  readonly #rows: Row[] = [];
  readonly #states = new Map<string, StateValue>();
  /** By group and seat, the dialog that it was last heard on. */
  readonly #dialogs = new Map<string, string>();
  #groups = new Set<string>();
  #began: number | undefined;

  conversation(title: string): Conversation {
    const all = [...this.#lifelines.values()];
    const middle = all.filter(({ id }) => !isDialog(id));
    const [first, ...others] = all.filter(({ id }) => isDialog(id));
    return { title, lifelines: [...(first ? [first] : []), ...middle, ...others], rows: this.#rows };
  }

  take(line: TraceLine): void {
    const { machine, instance, of, at, event, state } = line;
    this.#began ??= at;
    this.#groups.add(of);
    const here = this.#lifeline(machine, of, instance);
    const owner = owners[machine];
    if (event !== undefined) {
      if (owner === undefined) this.#decision(line, here);
      else this.#dialog(line, here, this.#ownerOf(owner, line));
    }
    const now = arrivals(this.#states.get(here), state);
    this.#states.set(here, state);
    if (now.length > 0 && (event !== undefined || owner === undefined)) this.#rows.push({ kind: "state", at: here, says: now.join(" · ") });
  }

  /** An event of a machine that decides: what a peer asked, and its answer. */
  #decision({ of, event, effects, refusal, at }: TraceLine, here: string): void {
    const { type, from, ...params } = event!;
    if (type.startsWith("xstate.after.")) return void this.#timer(type, here);
    if (!/^(sip|msrp)\./.test(type)) {
      if (type.startsWith("admin.")) this.#rows.push({ kind: "note", says: `${this.#since(at)} the operator: ${words(type, params)}` });
      return;
    }
    const peer = this.#peer(of, type === "sip.INVITE.create" ? 0 : from, here);
    this.#message(peer, here, `${this.#since(at)} ${words(type, params)}`);
    for (const effect of effects) {
      if (effect.type === "answer" || effect.type === "answerMsrp") this.#message(here, peer, words(effect.type, omitType(effect)));
      if (effect.type === "relay") for (const seat of effect["to"] as readonly number[]) this.#message(here, this.#peer(of, seat, here), "relay");
    }
    if (refusal?.status !== undefined) this.#message(here, peer, `${refusal.protocol.toUpperCase()} ${refusal.status}: refused in this state`);
  }

  /** An event of one dialog: what its device said, and what it is told. */
  #dialog({ event, effects, refusal, at }: TraceLine, here: string, owner: string): void {
    const { type, ...params } = event!;
    if (type.startsWith("xstate.after.")) this.#timer(type, here);
    else if (/^(sip|msrp|data)\./.test(type)) this.#message(here, owner, `${this.#since(at)} ${words(type, { ...params, from: undefined })}`);
    for (const effect of effects) {
      if (["sendSipRequest", "sendSipResponse", "sendBye", "answerSubscribe", "sendNotify"].includes(effect.type)) this.#message(owner, here, words(effect.type, omitType(effect)));
    }
    if (refusal?.status !== undefined) this.#message(owner, here, `${refusal.protocol.toUpperCase()} ${refusal.status}: refused in this state`);
  }

  #message(from: string, to: string, says: string): void {
    this.#rows.push({ kind: "message", from, to, says });
  }

  #timer(type: string, at: string): void {
    this.#rows.push({ kind: "timer", at, says: `${type.split(".")[2]} has passed` });
  }

  #since = (at: number): string => `+${((at - this.#began!) / 1000).toFixed(3)}`;

  #lifeline(machine: string, of: string, instance: string): string {
    const id = `${owners[machine] === undefined ? "" : "dialog "}${machine} ${of} ${instance}`;
    if (!this.#lifelines.has(id)) this.#lifelines.set(id, { id, says: this.#named(machine, instance) });
    if (machine === "group-participant") this.#dialogs.set(`${of} ${instance.split(".")[0]}`, id);
    return id;
  }

  #named(machine: string, instance: string): string {
    const [part = "", tag = ""] = instance.split(".");
    switch (machine) {
      case "group-participant":
        return `Participant ${part} (${tag.slice(0, 4)})`;
      case "conference-subscription":
        return `subscriber ${part} (${tag.slice(0, 4)})`;
      case "large-message-sender":
        return `the sender (${part.slice(0, 4)})`;
      case "large-message-recipient":
        return `recipient ${tag} (${part.slice(0, 4)})`;
      default:
        return `${machine} (${instance.slice(0, 4)})`;
    }
  }

  /** A group has one session; a leg of a file carries the file's name. */
  #ownerOf(owner: string, { of, instance }: TraceLine): string {
    return this.#lifeline(owner, of, owner === "group-session" ? of : instance.split(".")[0]!);
  }

  /** The dialog of a seat; a request from who has none stands by itself. */
  #peer(of: string, from: unknown, here: string): string {
    const dialog = typeof from === "number" ? this.#dialogs.get(`${of} ${from}`) : undefined;
    if (dialog !== undefined) return dialog;
    const says = typeof from === "number" ? `Participant ${from}` : from === "stranger" ? "a stranger" : "the sender";
    const id = `dialog ${says} ${here}`;
    if (!this.#lifelines.has(id)) this.#lifelines.set(id, { id, says });
    return id;
  }
}

const isDialog = (id: string) => id.startsWith("dialog ");
const omitType = ({ type: _, ...params }: { readonly type: string; readonly [param: string]: unknown }) => params;

const words = (type: string, params: Readonly<Record<string, unknown>>): string =>
  [type, ...Object.entries(params).flatMap(([name, value]) => (value === undefined ? [] : ["method", "status", "reason", "state"].includes(name) ? [String(value)] : [`${name}=${typeof value === "string" ? value : JSON.stringify(value)}`]))].join(" ");
