/** What an operator is shown of groups and transfers: plain JSON, as `openapi.ts` describes it. */
import type { RecipientStatus, Seat, SeatState, SeatStatus } from "../../machines/terms.ts";
import type { Instance } from "../session.ts";
import type { Group } from "../sessions/group.ts";
import type { ParticipantLeg } from "../sessions/participant.ts";
import type { Transfer } from "../sessions/transfer.ts";
import { textOf } from "../sip/identity.ts";

/** Where a group is in its life. */
export const groupStates = ["creating", "active", "idle", "closing", "closed"] as const;
export type GroupState = (typeof groupStates)[number];

export const seatStatuses = ["invited", "connected", "away", "left", "declined", "failed", "removed"] as const satisfies readonly SeatStatus[];

export interface GroupSummary {
  readonly id: string;
  /** The how-manieth of this server: where a page of the list goes on. */
  readonly number: number;
  readonly identity: string;
  readonly state: GroupState;
  readonly subject: string | null;
  readonly closed: boolean;
  readonly since: string;
  readonly conversationId: string;
  readonly contributionId: string;
  readonly participants: Readonly<Record<SeatStatus, number>>;
  readonly transfers: number;
}

export interface GroupView extends GroupSummary {
  readonly seats: readonly SeatView[];
  readonly fileTransfers: readonly TransferView[];
  /** Left out where nobody wants them. */
  readonly machines?: readonly MachineView[];
}

export interface SeatView {
  readonly seat: Seat;
  readonly uri: string;
  readonly name: string | null;
  readonly status: SeatStatus;
  /** Dialogs that have not ended. */
  readonly legs: number;
  readonly joiningMethod: "dialed-in" | "dialed-out";
  readonly lastStatus: number | null;
  readonly dialogs: readonly DialogView[];
}

export interface DialogView {
  /** Of its `group-participant`. */
  readonly instance: string;
  readonly device: string | null;
  /** An MSRP connection speaks for it. */
  readonly bound: boolean;
}

export interface TransferView {
  /** Also the instance of its machines. */
  readonly id: string;
  readonly number: number;
  readonly group: string;
  readonly state: unknown;
  readonly since: string;
  readonly sender: { readonly seat: Seat | null; readonly uri: string };
  readonly direction: "push" | "pull";
  readonly file: { readonly name: string | null; readonly type: string | null; readonly octets: number | null };
  readonly receivedOctets: number;
  readonly recipients: readonly { readonly uri: string; readonly status: RecipientStatus }[];
}

export interface MachineView {
  readonly machine: string;
  readonly instance: string;
  readonly state: unknown;
  readonly context: unknown;
  readonly over: boolean;
  readonly timers: readonly { readonly timer: string; readonly leftMs: number }[];
}

export function stateOf({ session }: Group): GroupState {
  const { value } = session.snapshot as { readonly value: string | { readonly open: { readonly membership: string } } };
  return (typeof value === "string" ? value : value.open.membership) as GroupState;
}

export function summaryOf(group: Group): GroupSummary {
  const { id, number, identity, description, since, seats, transfers } = group;
  const { subject, closed, conversationId, contributionId } = description;
  return {
    id,
    number,
    identity,
    state: stateOf(group),
    subject: subject === undefined ? null : textOf(subject),
    closed,
    since: new Date(since).toISOString(),
    conversationId,
    contributionId,
    participants: countsOf(seats),
    transfers: transfers.length,
  };
}

export function countsOf(seats: readonly SeatState[]): Record<SeatStatus, number> {
  const counts = Object.fromEntries(seatStatuses.map((status) => [status, 0])) as Record<SeatStatus, number>;
  for (const { status } of seats) counts[status] += 1;
  return counts;
}

export function groupOf(group: Group, withMachines = true): GroupView {
  const { seats, legs } = group;
  return {
    ...summaryOf(group),
    seats: seats.map((state, seat) => seatOf(group, seat, state, legs)),
    fileTransfers: group.transfers.map(transferOf),
    ...(withMachines && { machines: group.instances.map(machineOf) }),
  };
}

export function seatOf(group: Group, seat: Seat, { status, legs: count }: SeatState, legs: readonly ParticipantLeg[]): SeatView {
  const { uri, name, joiningMethod, lastStatus } = group.roster.occupant(seat);
  const dialogs = legs.filter((leg) => leg.seat === seat).map(({ session, instance, media }) => ({ instance: session.instance, device: instance ?? null, bound: media.session.bound }));
  return { seat, uri, name: name ?? null, status, legs: count, joiningMethod, lastStatus: lastStatus ?? null, dialogs };
}

export function transferOf(transfer: Transfer): TransferView {
  const { instance, number, group, session, since, arrived, relay, largeMessage, recipientUris } = transfer;
  const { direction, file } = arrived.offer.media;
  const { name, type, size } = file?.selector ?? {};
  const from = group.senderOf(arrived.speaker);
  const { recipients } = (largeMessage?.snapshot.context ?? {}) as { readonly recipients?: readonly RecipientStatus[] };
  return {
    id: instance,
    number,
    group: group.id,
    state: session.snapshot.value,
    since: new Date(since).toISOString(),
    sender: { seat: from === "stranger" ? null : from, uri: arrived.speaker },
    direction: direction === "recvonly" ? "pull" : "push",
    file: { name: name ?? null, type: type ?? null, octets: size ?? null },
    receivedOctets: relay?.receivedOctets ?? 0,
    recipients: recipientUris.map((uri, recipient) => ({ uri, status: recipients?.[recipient] ?? "waiting" })),
  };
}

export function machineOf({ name, instance, snapshot, over, timers }: Instance): MachineView {
  return { machine: name, instance, state: snapshot.value, context: snapshot.context, over, timers };
}
