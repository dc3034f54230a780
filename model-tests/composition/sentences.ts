/**
 * Sentences of the standard, and ours beside it, that hold of the whole: the Controlling Function and everybody it talks to.
 *
 * What one machine alone has to keep is in `invariants.ts`.
 */
import type { AnyMachineSnapshot } from "xstate";
import type { Clause } from "../../machines/clauses.ts";
import type { Effect } from "../../machines/effects.ts";
import type { SeatState } from "../../machines/terms.ts";
import { isTold, type Address, type ControllingFunction, type Instance, type Server, type Stimulus, type Turn } from "./controlling-function.ts";
import { isLeg, phaseOf } from "./wiring.ts";

/** One turn of the server. */
export interface Happening {
  readonly functions: ControllingFunction;
  readonly stimulus: Stimulus;
  readonly before: Server;
  readonly turn: Turn;
}

export interface CompositionSentence {
  readonly says: string;
  readonly beside: Clause;
  /** Whether it holds of a turn. */
  readonly onTurn?: (happening: Happening) => boolean;
  /** Whether it holds while the server waits for the next arrival. */
  readonly atRest?: (server: Server, functions: ControllingFunction) => boolean;
}

// ---------------------------------------------------------------- reading a turn

type Asked<T extends Effect["type"]> = Extract<Effect, { type: T }>;

const asks = <T extends Effect["type"]>({ turn }: Happening, type: T, by?: Address): Asked<T>[] =>
  turn.shown.flatMap((shown) => (shown.effect?.type === type && (by === undefined || shown.by === by) ? [shown.effect as Asked<T>] : []));

interface Group {
  readonly seats: readonly SeatState[];
  readonly transfers: number;
}

const groupIn = (server: Server, functions: ControllingFunction): AnyMachineSnapshot => functions.snapshotOf(server.instances.get("group")!);
const seatsIn = (server: Server, functions: ControllingFunction) => (groupIn(server, functions).context as Group).seats;
const isMember = (state: SeatState | undefined) => state !== undefined && ["invited", "connected", "away"].includes(state.status);
const isThere = (state: SeatState | undefined) => state !== undefined && ["invited", "connected"].includes(state.status);
const instances = (server: Server, holds: (instance: Instance) => boolean) => [...server.instances.values()].filter(holds);
const legsOf = (server: Server, seat: number) => instances(server, (instance) => instance.machine === "group-participant" && instance.seat === seat);
const isClosed = (server: Server, functions: ControllingFunction) => groupIn(server, functions).status !== "active";
const isTransfer = ({ machine }: Instance) => machine === "group-file-transfer";

/** What one address shows to its peer, in order. */
const shownBy = ({ turn }: Happening, address: Address): string[] =>
  turn.shown.filter((shown) => shown.by === address && !isTold(shown) && shown.effect !== undefined).map(({ effect }) => effect!.type);

const answersOf = (happening: Happening): number => {
  const { stimulus, turn } = happening;
  const refused = turn.shown.filter(({ refusal }) => refusal !== undefined).length;
  const answered = asks(happening, "answer").length + asks(happening, "answerMsrp").length + asks(happening, "answerSubscribe").length;
  const inDialog = asks(happening, "sendSipResponse").filter(({ method }) => method !== "INVITE").length;
  const admitted = stimulus.event.type.startsWith("sip.INVITE.") ? asks(happening, "sendSipResponse").filter(({ method }) => method === "INVITE").length : 0;
  return refused + answered + inDialog + admitted;
};
const requests = /^(sip\.(BYE|reINVITE|UPDATE|INVITE\..*|REFER\..*|SUBSCRIBE)|msrp\.SEND)$/;

// ---------------------------------------------------------------- the sentences

export const sentences: readonly CompositionSentence[] = [
  {
    says: "nobody outside the group gets a message: only members who are there, or are being invited, and have a dialog",
    beside: "RFC 7701 §6.1",
    onTurn: (happening) =>
      asks(happening, "relay").every(({ to }) =>
        to.every((seat) => isThere(seatsIn(happening.turn.after, happening.functions)[seat]) && legsOf(happening.turn.after, seat).length > 0),
      ),
  },
  {
    says: "a sender never gets its own message",
    beside: "RFC 7701 §6.1",
    onTurn: (happening) => asks(happening, "relay").every(({ to }) => !to.includes(happening.stimulus.event["from"])),
  },
  {
    says: "a closed group never grows",
    beside: "CPM-CR §4.2",
    onTurn: ({ functions, before, turn, stimulus }) => {
      if (!functions.policy.group.closed || stimulus.event.type === "sip.INVITE.create") return true;
      const earlier = seatsIn(before, functions);
      return seatsIn(turn.after, functions).every((state, seat) => !isMember(state) || isMember(earlier[seat]));
    },
  },
  {
    says: "no INVITE of 9.3.1 carries a recipient list",
    beside: "CPM-CR §9.3.1",
    onTurn: (happening) => asks(happening, "addHistoryList").length === 0 && asks(happening, "executeLargeMessage").every(({ recipientList }) => recipientList === "none"),
  },
  {
    says: "exactly one branch of 9.3.1 is taken: the procedures of 9.1.2 where the transfer is supported, else 403 122",
    beside: "CPM-CR §9.3.1",
    onTurn: (happening) => {
      if (asks(happening, "startFileTransfer").length === 0) return true;
      const executed = asks(happening, "executeLargeMessage").length;
      const refused = happening.turn.shown.filter(({ by, effect }) => by.startsWith("transfer ") && effect?.type === "answer");
      const says122 = refused.some(({ effect }) => (effect as Asked<"answer">).warning === "functionNotAllowed");
      return executed + refused.length === 1 && says122 === (happening.functions.policy.transfer.groupFileTransfer === "notSupported");
    },
  },
  {
    says: "nothing is said after BYE on a dialog but answers, and the ACK of a 2xx that comes again",
    beside: "RFC 3261 §15",
    onTurn: (happening) => {
      for (const { address, machine } of happening.turn.taken) {
        if (!isLeg(machine)) continue;
        const leg = happening.before.instances.get(address);
        const said = shownBy(happening, address);
        const ended = leg !== undefined && phaseOf(leg, happening.functions) === "ending";
        const bye = ended ? -1 : said.findIndex((type) => type === "sendBye");
        if (!ended && bye < 0) continue;
        const mayFollow = happening.stimulus.event.type === "sip.accepted" ? ["sendSipResponse", "closeMedia", "sendSipRequest"] : ["sendSipResponse", "closeMedia"];
        if (said.slice(bye + 1).some((type) => !mayFollow.includes(type))) return false;
      }
      return true;
    },
  },
  {
    says: "every request has its answer in its own turn, once; the INVITE of a file has it then or later, and nothing else is answered",
    beside: "RFC 3261 §8.2",
    onTurn: (happening) => {
      const { stimulus, before, turn, functions } = happening;
      const { type } = stimulus.event;
      const isOffered = (server: Server) => instances(server, (leg) => leg.machine === "large-message-sender" && phaseOf(leg, functions) === "offered").length;
      const isRequest = requests.test(type) ? 1 : 0;
      if (type === "sip.INVITE.fileTransfer") return answersOf(happening) + isOffered(turn.after) - isOffered(before) === 1;
      const later = asks(happening, "sendSipResponse").filter(({ method }) => method === "INVITE").length;
      const admitted = type.startsWith("sip.INVITE.") ? later : 0;
      return answersOf(happening) === isRequest && later - admitted === isOffered(before) - isOffered(turn.after);
    },
  },
  {
    says: "every 2xx to an INVITE of ours gets its ACK, whatever has become of the dialog",
    beside: "RFC 3261 §13.2.2.4",
    onTurn: (happening) => {
      const acknowledged = asks(happening, "sendSipRequest", happening.stimulus.on).filter(({ method }) => method === "ACK").length;
      return acknowledged === (happening.stimulus.event.type === "sip.accepted" ? 1 : 0);
    },
  },
  {
    says: "603 is the user's refusal, also when it crosses our CANCEL: who said it is no member any more, unless it is there on another device",
    beside: "RFC 3261 §21.6.2",
    onTurn: ({ stimulus, before, turn, functions }) => {
      const leg = before.instances.get(stimulus.on);
      if (stimulus.event["outcome"] !== "declined" || leg?.machine !== "group-participant") return true;
      const isGoingOn = ["open", "idle"].some((state) => within(groupIn(turn.after, functions), state));
      return !isGoingOn || !isMember(seatsIn(turn.after, functions)[leg.seat!]) || legsOf(turn.after, leg.seat!).length > 0;
    },
  },
  {
    says: "no dialog is left when the group is closed",
    beside: "RFC 4579 §5",
    atRest: (server, functions) => !isClosed(server, functions) || instances(server, ({ machine }) => machine === "group-participant" || machine === "conference-subscription").length === 0,
  },
  {
    says: "the group counts the dialogs that there are",
    beside: "RFC 4579 §5",
    atRest: (server, functions) => seatsIn(server, functions).every(({ legs }, seat) => legsOf(server, seat).length === legs),
  },
  {
    says: "and the transfers",
    beside: "CPM-CR §9.3.1",
    atRest: (server, functions) => isClosed(server, functions) || within(groupIn(server, functions), "closing") || (groupIn(server, functions).context as Group).transfers === instances(server, isTransfer).length,
  },
  {
    says: "who is connected has a dialog that is open, or one that is about to end",
    beside: "RFC 4575 §5.7.3",
    atRest: (server, functions) =>
      !within(groupIn(server, functions), "open") || seatsIn(server, functions).every(({ status }, seat) => status !== "connected" || legsOf(server, seat).some((leg) => ["open", "ending", "cancelling"].includes(phaseOf(leg, functions)))),
  },
  {
    says: "an open dialog belongs to a member who is there, unless it is about to end",
    beside: "RFC 4579 §5",
    atRest: (server, functions) =>
      !within(groupIn(server, functions), "open") ||
      instances(server, ({ machine }) => machine === "group-participant").every(
        (leg) => phaseOf(leg, functions) !== "open" || functions.snapshotOf(leg).matches({ open: { dialog: "condemned" } } as never) || seatsIn(server, functions)[leg.seat!]?.status === "connected",
      ),
  },
  {
    says: "nobody is sent its own file",
    beside: "CPM-CONV §9.1.2",
    atRest: (server) => instances(server, isTransfer).every(({ address, seat }) => !server.relays.get(Number(address.split(" ")[1]))!.seats.includes(seat!)),
  },
  {
    says: "when a large message has ended, every leg of it ends",
    beside: "CPM-CONV §9.1.2",
    atRest: (server, functions) =>
      instances(server, ({ machine }) => machine === "large-message-recipient").every(
        (leg) => server.instances.has(`message ${leg.address.split(/[ .]/)[1]}`) || ["cancelling", "ending"].includes(phaseOf(leg, functions)),
      ),
  },
];

function within(snapshot: AnyMachineSnapshot, state: string): boolean {
  return snapshot.matches(state as never);
}

/** Between a client and the server: which states of theirs go together while nothing is under way between them. */
export const agreement: { readonly says: string; readonly beside: Clause } = {
  says: "while nothing is under way both ends of a dialog agree whether it exists",
  beside: "RFC 3261 §12",
};
