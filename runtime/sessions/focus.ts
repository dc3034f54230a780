import type { Policies, TimerName } from "../../machines/policies.ts";
import type { Warning } from "../../machines/terms.ts";
import type { Clock } from "../clock.ts";
import type { MsrpEndpoint } from "../msrp/endpoint.ts";
import type { Random } from "../random.ts";
import type { Turns } from "../session.ts";
import type { SipEndpoint } from "../sip/endpoint.ts";
import type { IncomingInvite } from "../sip/invite-server.ts";
import type { IncomingRefer } from "../sip/refer.ts";
import type { IncomingSubscription } from "../sip/subscription.ts";
import type { BodyPart } from "../body/multipart.ts";
import type { Description } from "../sip/to-event.ts";
import type { Spool } from "../store/spool.ts";
import { Tally } from "../tally.ts";
import type { Transfer } from "./transfer.ts";

/** What groups have done since the start. */
export class FocusCounts {
  groups = 0;
  transfers = 0;
  /** By how they ended; `refused`: no recipient was ever invited. */
  readonly transfersEnded = new Tally("result");
  /** Messages of group chats that others had to get, and how many got them at once; octets of their bodies. */
  messages = 0;
  deliveries = 0;
  deliveredOctets = 0;
}

/** What every group, leg and transfer of one Controlling Function shares. */
export interface Focus {
  readonly counts: FocusCounts;
  /** Those that run, oldest first. */
  readonly transfers: Set<Transfer>;
  readonly sip: SipEndpoint;
  readonly msrp: MsrpEndpoint;
  readonly spool: Spool;
  readonly clock: Clock;
  readonly random: Random;
  readonly turns: Turns<Arrival>;
  readonly domain: string;
  /** The policies of now; whoever begins takes them as they are. */
  readonly policies: () => Policies;
  readonly lengthOf: (timer: TimerName) => number;
}

/** The request that began a turn: what its effects answer. */
export interface Arrival {
  /** Answers the request, once. MSRP statuses where it is a SEND. */
  answer(status: number, warning?: Warning): void;
  readonly invite?: ArrivedInvite;
  readonly refer?: ArrivedRefer;
  readonly subscription?: IncomingSubscription;
  readonly message?: ArrivedMessage;
}

/** An INVITE outside a dialog, read. */
export interface ArrivedInvite {
  readonly invite: IncomingInvite;
  readonly parts: readonly BodyPart[];
  readonly offer: Description;
  /** The URI of whoever speaks, as it was written. */
  readonly speaker: string;
  /** The name that goes with it: a peer's own text, to be shown and nothing else. */
  readonly name: string | undefined;
  /** The device's `+sip.instance`. */
  readonly instance: string | undefined;
}

export interface ArrivedRefer {
  readonly refer: IncomingRefer;
  readonly speaker: string;
  /** URIs of targets that the group does not know yet. */
  readonly strangers: readonly string[];
}

/** A message for others. `body` may be a view of the receive buffer: it is good for this turn. */
export interface ArrivedMessage {
  readonly contentType: string;
  readonly body: Buffer;
}
