/** What passed between the participants and the server, and where it led, as a ladder has it: read from the steps of the machines. */
import type { Conversation, Row } from "../../ladders/ladder.ts";
import type { StepTold } from "./shapes.ts";
import type { Happened, WatchedGroup } from "./watched-group.ts";
import { clockTime, leaves, said } from "./wording.ts";

/** The server's lifeline. */
const focus = "focus";
/** More participants than that are drawn as one. */
const lifelinesAtMost = 8;

/** The last `rows` of it at most. */
export function conversationOf(group: WatchedGroup, rows: number): Conversation {
  const speaker = new Speakers(group);
  const all = group.happened.flatMap((one) => rowsOf(one, speaker)).slice(-rows);
  const heard = new Set(all.flatMap((row) => (row.kind === "message" ? [row.from, row.to] : row.kind === "note" ? [] : [row.at])));
  heard.delete(focus);
  const ordered = [...heard].toSorted((a, b) => speaker.placeOf(a) - speaker.placeOf(b));
  const own = new Set(ordered.slice(0, lifelinesAtMost));
  const others = ordered.length - own.size;
  const line = (id: string): string => (id === focus || own.has(id) ? id : "others");
  return {
    title: group.shown?.subject ?? "Group",
    lifelines: [{ id: focus, says: "Controlling Function" }, ...ordered.slice(0, lifelinesAtMost).map((id) => ({ id, says: speaker.nameOf(id) })), ...(others > 0 ? [{ id: "others", says: `${others} others` }] : [])],
    rows: all.map((row) => (row.kind === "message" ? { ...row, from: line(row.from), to: line(row.to) } : row.kind === "note" ? row : { ...row, at: line(row.at) })),
  };
}

/** Who is behind an instance of a machine: seats by their numbers, and who has none. */
class Speakers {
  readonly #group: WatchedGroup;

  constructor(group: WatchedGroup) {
    this.#group = group;
  }

  placeOf(id: string): number {
    return id === "operator" ? -1 : id === "stranger" ? Infinity : Number(id);
  }

  nameOf(id: string): string {
    if (id === "operator") return "Operator";
    if (id === "stranger") return "a stranger";
    return (this.#group.seats.get(Number(id))?.uri ?? `seat ${id}`).replace(/^sips?:/, "").replace(/@.*$/, "");
  }

  /** The peer of a machine that has one. */
  of({ machine, instance }: StepTold): string | undefined {
    const [owner = "", part = ""] = instance.split(".");
    switch (machine) {
      case "group-participant":
      case "conference-subscription":
        return owner;
      case "large-message-recipient": {
        const uri = this.#group.transfers.get(owner)?.recipients[Number(part)]?.uri;
        return String([...this.#group.seats.values()].find((seat) => seat.uri === uri)?.seat ?? "stranger");
      }
      case "group-file-transfer":
      case "large-message-sender":
        return String(this.#group.transfers.get(owner)?.sender.seat ?? "stranger");
      default:
        return undefined;
    }
  }
}

function rowsOf(one: Happened, speaker: Speakers): Row[] {
  if (one.kind === "note") return [{ kind: "note", says: `${clockTime(one.at)} ${one.says}` }];
  const { step, before } = one;
  return [...heard(step, speaker), ...done(step, speaker), ...moved(step, before, speaker)];
}

/** What made the machine step, where it came from outside. */
function heard(step: StepTold, speaker: Speakers): Row[] {
  const { event, machine, effects } = step;
  if (event === undefined) return [];
  const timer = event.type.startsWith("xstate.after.") ? event.type.split(".")[2] : undefined;
  if (timer !== undefined) return [{ kind: "timer", at: speaker.of(step) ?? focus, says: timer }];
  if (event.type.startsWith("admin.")) return machine === "group-session" ? [{ kind: "message", from: "operator", to: focus, says: said({ ...event, type: event.type.replace("admin.", "") }) }] : [];
  if (!/^(sip|msrp|data)\./.test(event.type)) return [];
  // What the group session passes on to one of its machines is told there, or here, once.
  if (machine === "group-file-transfer" || effects.some(({ type }) => type === "startSubscription")) return [];
  const { from = machine === "group-session" ? 0 : speaker.of(step), type, claims, ...rest } = event;
  // What is as it should be is not worth a word.
  const told = { type: type.replace(/^(sip|msrp)\./, ""), ...rest, ...(claims === "other" && { claims }) };
  return [{ kind: "message", from: String(from), to: focus, says: said(told) }];
}

/** What the machine asked for that goes out. */
function done(step: StepTold, speaker: Speakers): Row[] {
  const { event, machine, effects, refusal } = step;
  const asker = machine === "group-session" ? String(event?.["from"] ?? 0) : (speaker.of(step) ?? focus);
  const to = (says: string, whom = asker): Row => ({ kind: "message", from: focus, to: whom, says });
  const rows = effects.flatMap((effect): Row[] => {
    const { type, status, warning, method, reason, state, ...rest } = effect;
    const refused = warning === undefined ? "" : `, ${String(warning)}`;
    switch (type) {
      case "answer":
      case "answerMsrp":
      case "answerSubscribe":
        return [to(`${String(status)}${refused}`)];
      case "sendSipRequest":
        return [to(String(method))];
      case "sendSipResponse":
        return [to(`${String(status)} (${String(method)})${refused}`)];
      case "sendBye":
        return [to(`BYE, ${String(reason)}`)];
      case "sendNotify":
        return [to(`NOTIFY, ${String(state)}, ${String(rest["subscription"])}`)];
      case "openDelivery":
        return [to("MSRP SEND: the file")];
      case "relay":
        return relayed(rest["to"] as readonly number[], String(event?.["content"] ?? "message"), to);
      default:
        return [];
    }
  });
  return refusal?.status === undefined ? rows : [...rows, to(String(refusal.status))];
}

function relayed(seats: readonly number[], content: string, to: (says: string, whom: string) => Row): Row[] {
  return seats.length > lifelinesAtMost ? [{ kind: "note", says: `${content} to ${seats.length} participants` }] : seats.map((seat) => to(`SEND, ${content}`, String(seat)));
}

/** The states that it came to. */
function moved({ machine, instance, state }: StepTold, before: unknown, speaker: Speakers): Row[] {
  const old = before === undefined || before === "" ? [] : leaves(before).split(", ");
  const now = leaves(state).split(", ").filter((leaf) => !old.includes(leaf));
  if (now.length === 0) return [];
  const about: Readonly<Record<string, string>> = { "group-session": "group", "group-participant": "dialog", "conference-subscription": "subscription", "group-file-transfer": "9.3.1", "large-message": "9.1.2", "large-message-sender": "sender", "large-message-recipient": "recipient" };
  const own = machine === "group-file-transfer" ? undefined : speaker.of({ machine, instance } as StepTold);
  return [{ kind: "state", at: own ?? focus, says: `${about[machine] ?? machine}: ${now.join(", ")}` }];
}
