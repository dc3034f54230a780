/**
 * A walk through one machine, or a conversation that was written from the standard, as a conversation to be drawn.
 *
 * The machine is run to see what it answers: in a page too.
 */
import type { AnyEventObject, AnyMachineSnapshot, AnyStateMachine } from "xstate";
import { machines, type MachineName } from "../../machines/index.ts";
import { clauses as clausesOf, delayOf, grounds } from "../../machines/inspect.ts";
import { start, step, type Step } from "../../machines/step.ts";
import { warnings, type Warning } from "../../machines/terms.ts";
import { askedOnTheWay, type Asked } from "../../model-tests/explore.ts";
import type { Conversation, Lifeline, Row } from "./ladder.ts";
import type { FlowReview } from "../review/review-shape.ts";
import { arrivals, type StateValue } from "./state-words.ts";

type Params = Readonly<Record<string, unknown>>;

// ---------------------------------------------------------------- who speaks to a machine

/** Who is on the other side of each dialog machine, and who owns it. */
const peers: { readonly [machine: string]: { readonly peer: string; readonly owner: string } } = {
  "large-message-sender": { peer: "the sender", owner: "large-message" },
  "large-message-recipient": { peer: "the recipient", owner: "large-message" },
  "group-participant": { peer: "the device", owner: "group-session" },
  "conference-subscription": { peer: "the subscriber", owner: "group-session" },
};

const seat = (of: unknown) => (typeof of === "number" ? `Participant ${of}` : "a stranger");
const recipient = (of: unknown) => `recipient ${String(of)}`;

/** Who tells the machine of an event. */
function speakerOf(machine: MachineName, { type, ...params }: { readonly type: string } & Params): string {
  const [kind] = type.split(".");
  if (kind === "admin") return "the operator";
  if (kind === "data") return "the data plane";
  const dialog = peers[machine];
  if (dialog) return kind === "sip" || kind === "msrp" ? dialog.peer : dialog.owner;
  switch (machine) {
    case "group-session":
      if (kind === "transfer") return "group-file-transfer";
      return type === "sip.INVITE.create" ? seat(0) : seat(params["from"] ?? params["seat"]);
    case "group-file-transfer":
      return kind === "sip" ? "the sender" : "large-message";
    default:
      return kind === "recipient" ? recipient(params["recipient"]) : kind === "sender" ? "the sender" : "group-file-transfer";
  }
}

/** Whom an effect is for; the machine itself for what nobody else sees. */
function hearersOf(machine: MachineName, { type, ...params }: { readonly type: string } & Params, event: AnyEventObject | undefined, recipients: number): readonly string[] {
  const dialog = peers[machine];
  const seats = (params["seats"] ?? params["to"]) as readonly number[] | undefined;
  const all = Array.from({ length: recipients }, (_, of) => recipient(of));
  switch (type) {
    case "answer":
    case "answerMsrp":
      return [event === undefined ? machine : speakerOf(machine, event as { type: string } & Params)];
    case "sendSipRequest":
    case "sendSipResponse":
    case "sendBye":
    case "answerSubscribe":
    case "sendNotify":
      return [dialog!.peer];
    case "openMedia":
    case "closeMedia":
    case "openDelivery":
      return ["the data plane"];
    case "reportParticipant":
    case "reportSender":
    case "reportRecipient":
    case "reportAnswer":
      return [dialog!.owner];
    case "reportTransfer":
    case "rejoinSender":
      return ["group-session"];
    case "executeLargeMessage":
      return ["large-message"];
    case "startFileTransfer":
    case "reportLargeMessage":
      return ["group-file-transfer"];
    case "admit":
    case "replace":
      return [seat(params["seat"])];
    case "invite":
    case "release":
    case "relay":
      return seats?.map(seat) ?? [machine];
    case "startSubscription":
    case "notify":
    case "expelSubscribers":
    case "endSubscriptions":
      return ["the subscribers"];
    case "inviteRecipients":
      return all;
    case "deliver":
      return [recipient(params["recipient"])];
    case "releaseRecipients":
      return (params["recipients"] as readonly number[]).map(recipient);
    case "abortDelivery":
      return ["the data plane"];
    case "acceptSender":
    case "rejectSender":
    case "releaseSender":
    case "stopSender":
      return ["the sender"];
    default:
      return [machine];
  }
}

/** Who stands left of the machine; everybody else stands right of it. */
const left = ["the operator", "a stranger", "Participant 0", "the sender", "the device", "the subscriber", "the recipient"];

/** Said over a wire, and not within the Controlling Function. */
const isOnTheWire = (machine: MachineName, type: string): boolean =>
  /^(sip|msrp)\./.test(type) || ["answer", "answerMsrp", "sendSipRequest", "sendSipResponse", "sendBye", "answerSubscribe", "sendNotify"].includes(type) || (machine === "group-session" && type === "relay");

// ---------------------------------------------------------------- words

/** What a lifeline says already is left out of what is said on it. */
const onLifelines = new Set(["from", "seat", "seats", "recipient", "recipients"]);

function words({ type, ...params }: { readonly type: string } & Params, leaveOut: ReadonlySet<string> = onLifelines): string {
  const shown = Object.entries(params).flatMap(([name, value]) => {
    if (value === undefined || leaveOut.has(name)) return [];
    if (name === "warning") return [`“${warnings[value as Warning]}”`];
    if (["method", "status", "reason", "outcome", "result", "state", "progress"].includes(name)) return [String(value)];
    return [`${name}=${typeof value === "string" ? value : JSON.stringify(value)}`];
  });
  return [type, ...shown].join(" ");
}

const eventWords = (machine: MachineName, event: { readonly type: string } & Params) => words(event, machine === "group-session" && event.type.startsWith("sip.REFER") ? new Set(["from"]) : onLifelines);

// ---------------------------------------------------------------- a walk through a machine

export interface Walk {
  readonly machine: MachineName;
  readonly title: string;
  readonly input: unknown;
  readonly events: readonly AnyEventObject[];
}

/** A tour, or a flow, or any other walk: the events, and what the machine does at each. */
export function walkConversation({ machine: name, title, input, events }: Walk): Conversation {
  const machine: AnyStateMachine = machines[name];
  const recipients = (input as { readonly recipients?: number } | undefined)?.recipients ?? 0;
  const rows: Row[] = [];
  const told = (done: Step, event: AnyEventObject | undefined, before: StateValue | undefined, number: number) => {
    for (const effect of done.effects) {
      for (const to of hearersOf(name, effect as { type: string } & Params, event, recipients)) {
        rows.push({ kind: "message", from: name, to, says: words(effect as { type: string } & Params), dashed: !isOnTheWire(name, effect.type), step: number });
      }
    }
    const timers = timerWords(done);
    if (timers !== "") rows.push({ kind: "timer", at: name, says: timers, step: number });
    const now = arrivals(before, (done.snapshot as AnyMachineSnapshot).value as StateValue);
    if (now.length > 0) rows.push({ kind: "state", at: name, says: now.join(" · "), step: number });
  };

  let done = start(machine, input as never);
  told(done, undefined, undefined, -1);
  events.forEach((event, number) => {
    const from = done.snapshot as AnyMachineSnapshot;
    done = step(machine, from, event);
    const because = done.handled ? reasons(askedOnTheWay(machine, from, event)) : refusalReasons(done);
    const delay = delayOf(event.type);
    if (delay !== undefined) rows.push({ kind: "timer", at: name, says: `${delay} has passed`, clauses: because, step: number });
    else {
      const speaker = speakerOf(name, event as { type: string } & Params);
      rows.push({ kind: "message", from: speaker, to: name, says: eventWords(name, event as { type: string } & Params), clauses: because, dashed: !isOnTheWire(name, event.type), step: number });
      if (!done.handled) rows.push(refused(name, speaker, done, number));
    }
    told(done, event, from.value as StateValue, number);
  });
  return { title, lifelines: lifelinesIn(rows, name), rows };
}

/** The clauses of all that was taken, of the eventless transitions too; what we decided is said to be ours. */
const reasons = (asked: readonly Asked[]): string[] => [
  ...new Set(
    asked.flatMap(({ transition, enabled }) => {
      const why = enabled ? grounds(transition) : undefined;
      return why === undefined ? [] : "cites" in why ? [...clausesOf(why)] : [`decided beside ${clausesOf(why).join(", ")}`];
    }),
  ),
];

const refusalReasons = ({ refusal }: Step): string[] => (refusal === undefined ? [] : [...clausesOf(refusal.grounds)]);

function refused(machine: MachineName, speaker: string, { refusal }: Step, number: number): Row {
  if (refusal === undefined || refusal.protocol === "silence") return { kind: "note", says: "nobody waits for an answer: nothing is said", step: number };
  return { kind: "message", from: machine, to: speaker, says: `${refusal.protocol.toUpperCase()} ${refusal.status}: refused in this state`, step: number };
}

function timerWords({ timers }: Step): string {
  const stopped = timers.filter(({ change }) => change === "stop").map(({ event }) => delayOf(event)!);
  const started = timers.flatMap((timer) => (timer.change === "start" ? [timer.name as string] : []));
  return [
    ...started.map((name) => (stopped.includes(name) ? `${name} starts again` : `${name} starts`)),
    ...stopped.filter((name) => !started.includes(name)).map((name) => `${name} stops`),
  ].join(", ");
}

/** Those who speak or hear, from left to right. */
function lifelinesIn(rows: readonly Row[], machine: string): Lifeline[] {
  const met = new Set([machine, ...rows.flatMap((row) => (row.kind === "message" ? [row.from, row.to] : row.kind === "note" ? [] : [row.at]))]);
  const others = [...met].filter((id) => id !== machine);
  const right = others.filter((id) => !left.includes(id)).sort((a, b) => rank(a) - rank(b) || a.localeCompare(b, "en", { numeric: true }));
  return [...left.filter((id) => met.has(id)), machine, ...right].map((id) => ({ id, says: id }));
}

/** People before our own machinery. */
const rank = (id: string) => (/^(Participant|recipient) /.test(id) ? 0 : id === "the subscribers" ? 1 : id === "the data plane" ? 3 : 2);

// ---------------------------------------------------------------- flows

/** A flow of `model-tests/flows`: through its machine, or on the wire. */
export function flowConversation({ kind, of, title, input, events, lines, number, clauses }: FlowReview): Conversation {
  const named = `${title} (${number})`;
  if (kind === "flow") return walkConversation({ machine: of as MachineName, title: `${named}: ${of}`, input, events: events! as readonly AnyEventObject[] });
  const parts = lines.map((line) => line.trim().split(/\s{2,}/));
  const people = new Set(parts.flatMap(([who = ""]) => (who.includes(" -> ") ? who.split(" -> ") : [])));
  const beside: readonly Row[] = clauses.length === 0 ? [] : [{ kind: "note", says: clauses.join(", ") }];
  const rows = parts.map(([who = "", what = "", ...details], step): Row => {
    const [from = "", to] = who.split(" -> ");
    const says = [what, ...details].join(" · ");
    if (to !== undefined) return { kind: "message", from, to, says, step };
    return people.has(from) ? { kind: "state", at: from, says, step } : { kind: "note", says: [who, says].join("  ").trim(), step };
  });
  return { title: of === "" ? named : `${named}: ${of}`, lifelines: lifelinesOf(rows), rows: [...beside, ...rows] };
}

/** Of a conversation on the wire: who begins it, the focus, and the others as they come. */
function lifelinesOf(rows: readonly Row[]): Lifeline[] {
  const met = [...new Set(rows.flatMap((row) => (row.kind === "message" ? [row.from, row.to] : row.kind === "note" ? [] : [row.at])))];
  const [first] = met;
  const others = met.filter((id) => id !== first && id !== "focus");
  return [...(first === undefined || first === "focus" ? [] : [first]), "focus", ...others].map((id) => ({ id, says: id }));
}
