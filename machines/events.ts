import type { Octets, Recipient, ReleaseReason, Seat, Sender, Status, Warning } from "./terms.ts";

/**
 * Everything that can happen to a machine; all of it comes from outside, and so does time.
 *
 * The namespace says who caused it, then comes the standard's own name in the standard's own case. `sip` and `msrp`
 * come from a peer; `participant`, `transfer`, `largeMessage`, `recipient`, `sender`, `group` come from another machine
 * (one's effect is another's event); `data` from the data plane, which reports about octets and never hands one over.
 */
export type Event =
  | GroupSessionEvent
  | GroupParticipantEvent
  | GroupFileTransferEvent
  | LargeMessageEvent
  | LargeMessageSenderEvent
  | LargeMessageRecipientEvent
  | ConferenceSubscriptionEvent;

// ---------------------------------------------------------------- group session

/** An INVITE to the Conference-factory URI with a recipient list. @see RFC 5366 §5 */
export interface CreateInvite {
  readonly type: "sip.INVITE.create";
  /** Distinct recipients, the sender not counted. */
  readonly recipients: number;
  /** The request asks for privacy of the identity. @see RFC 3325 §9.3 */
  readonly anonymous: boolean;
}

/** An INVITE to the CPM Group Session Identity without the CPM File Transfer Feature Tag. */
export interface JoinInvite {
  readonly type: "sip.INVITE.join";
  readonly from: Sender;
  /** `known` when a dialog with this very device (`+sip.instance`) exists. */
  readonly device: "known" | "new";
}

/** An INVITE to the CPM Group Session Identity with the CPM File Transfer Feature Tag. @see CPM-CR §9.3.1 */
export interface FileTransferInvite {
  readonly type: "sip.INVITE.fileTransfer";
  readonly from: Sender;
  /** `pull` offers `a=recvonly`: the sender of the request wants to receive. @see RFC 5547 §8.2 */
  readonly direction: "push" | "pull";
  /** What the file-selector announces. */
  readonly fileOctets: Octets;
}

/** A REFER that asks the focus to invite. @see RFC 4579 §5.5, RFC 5368 */
export interface ReferAdd {
  readonly type: "sip.REFER.add";
  readonly from: Sender;
  /** Targets that the group has never known. */
  readonly strangers: number;
  /** Targets that have a seat already. */
  readonly seats: readonly Seat[];
}

/** A REFER with method=BYE: the focus is asked to remove somebody. @see RFC 4579 §5.11 */
export interface ReferRemove {
  readonly type: "sip.REFER.remove";
  readonly from: Sender;
  readonly target: Sender;
}

/** The operator removes somebody; nobody is asked and nobody is answered. */
export interface AdminRemove {
  readonly type: "admin.remove";
  readonly target: Seat;
}

export interface Subscribe {
  readonly type: "sip.SUBSCRIBE";
  readonly from: Sender;
  /** `zero` fetches or ends; `tooShort` is below our minimum. @see RFC 6665 §4.2.1 */
  readonly expires: "positive" | "zero" | "tooShort";
}

/** One whole MSRP message on a Participant's session; an MSRP chunk never gets here. @see RFC 7701 §6 */
export interface GroupMessage {
  readonly type: "msrp.SEND";
  readonly from: Seat;
  readonly content: "chat" | "composing" | "imdn" | "notCpim";
  /** Whether CPIM From is the identity that this session belongs to. */
  readonly claims: "self" | "other";
  /** CPIM To: the group (its identity or the anonymous URI), one Participant, several, or nobody we know. */
  readonly to: "group" | "several" | "unknown" | Seat;
}

/** What became of one dialog with a Participant. Each leg reports exactly one of the last six. */
export interface ParticipantEvent {
  readonly type:
    | "participant.connected"
    | "participant.left"
    | "participant.lost"
    | "participant.declined"
    | "participant.unreachable"
    | "participant.failed"
    | "participant.released";
  readonly seat: Seat;
}

export type GroupSessionEvent =
  | CreateInvite
  | JoinInvite
  | FileTransferInvite
  | ReferAdd
  | ReferRemove
  | Subscribe
  | GroupMessage
  | ParticipantEvent
  /** A transfer was admitted, and so it takes room until it ends. */
  | { readonly type: "transfer.begun" }
  | { readonly type: "transfer.ended" }
  | { readonly type: "transfer.senderAway"; readonly seat: Seat }
  | { readonly type: "admin.end" }
  | AdminRemove
  | { readonly type: "admin.shutdown" };

// ---------------------------------------------------------------- one dialog

/** What a BYE's Reason says. No Reason is not a departure. @see RFC 3326 §2 */
export type ByeReason = "callCompleted" | "involuntary" | "unspecified";

/** Requests and responses of one dialog, and what was asked of it before. */
export type DialogEvent =
  | { readonly type: "sip.ACK" }
  | { readonly type: "sip.BYE"; readonly reason: ByeReason }
  /** A re-INVITE; `unacceptable` has no MSRP media that we could go on with. */
  | { readonly type: "sip.reINVITE"; readonly offer: "acceptable" | "unacceptable" }
  | { readonly type: "sip.UPDATE"; readonly offer: "acceptable" | "unacceptable" }
  /** The response to our session refresh; `glare` is 491, `gone` 408 or 481. @see RFC 4028 §10 */
  | { readonly type: "sip.refreshed"; readonly outcome: "accepted" | "glare" | "refused" | "gone" }
  /** A final response to our BYE, or its timeout. */
  | { readonly type: "sip.BYE.answered" }
  /** The machine that owns this leg wants it gone. */
  | { readonly type: "leg.release"; readonly reason: ReleaseReason };

/**
 * The answer to our INVITE. `rejected` by class: `declined` 603; `unreachable` 408, 480, 486, 503 and timeouts, which may
 * pass; `failed` everything else, which will not.
 */
export type CallEvent =
  | { readonly type: "sip.ringing" }
  | { readonly type: "sip.rejected"; readonly outcome: "declined" | "unreachable" | "failed" };

export type GroupParticipantEvent =
  | DialogEvent
  | CallEvent
  | { readonly type: "sip.accepted" }
  | { readonly type: "group.invite" }
  | { readonly type: "group.admit" }
  /** The peer's first SEND named this session. @see RFC 4975 §5.4 */
  | { readonly type: "msrp.bound" }
  | { readonly type: "msrp.lost" };

// ---------------------------------------------------------------- file transfer and large message

export type Capacity = "free" | "exhausted";

export interface TransferRequest {
  readonly type: "sip.INVITE.fileTransfer";
  /** What the sender is to the group; `away` is a member without a dialog. */
  readonly sender: "connected" | "away" | "stranger";
  readonly direction: "push" | "pull";
  readonly fileOctets: Octets;
  /** Whether the group carries fewer transfers than it may. */
  readonly capacity: Capacity;
}

export type GroupFileTransferEvent =
  | TransferRequest
  | { readonly type: "largeMessage.ended"; readonly result: LargeMessageResult };

export type LargeMessageResult = "complete" | "partial" | "failed" | "aborted";

/** A recipient's SDP answer, as far as the wrapped types go. @see CPM-CR §9.3.1, RFC 4975 §8.6 */
export interface RecipientAccepted {
  readonly type: "recipient.accepted";
  readonly recipient: Recipient;
  /** Literally: `a=accept-wrapped-types` shows the file's type; no such attribute is not indicated. */
  readonly wrappedTypes: "indicated" | "notIndicated";
  /** Whether `a=accept-types` names the file's type or a wildcard that covers it. */
  readonly acceptTypes: "covers" | "other";
}

export type LargeMessageEvent =
  /** Whether there is room to keep the message while it is served. */
  | { readonly type: "largeMessage.execute"; readonly spool: "ready" | "exhausted" }
  | { readonly type: "recipient.ringing"; readonly recipient: Recipient }
  | RecipientAccepted
  | { readonly type: "recipient.declined"; readonly recipient: Recipient }
  | { readonly type: "recipient.failed"; readonly recipient: Recipient }
  | { readonly type: "recipient.delivered"; readonly recipient: Recipient }
  | { readonly type: "admin.shutdown" }
  | { readonly type: "sender.started" }
  | { readonly type: "sender.completed" }
  /** CANCEL, BYE, `#`, a lost connection or a stall before the last octet. */
  | { readonly type: "sender.aborted" }
  /** More octets than announced, or octets that are not the announced file. */
  | { readonly type: "sender.misbehaved" };

/** The dialog with the sender of a large message. */
export type LargeMessageSenderEvent =
  | DialogEvent
  | { readonly type: "sip.CANCEL" }
  | { readonly type: "msrp.bound" }
  | { readonly type: "msrp.lost" }
  | { readonly type: "largeMessage.offer" }
  | { readonly type: "largeMessage.accept" }
  | { readonly type: "largeMessage.reject"; readonly status: Status; readonly warning?: Warning }
  /** The first octet came. */
  | { readonly type: "data.first" }
  /** The last octet came, every octet is kept, and they are the announced file. */
  | { readonly type: "data.complete" }
  /** `#`, or nothing for stallMs. */
  | { readonly type: "data.aborted" }
  /** Longer than announced, or size or hash are not what was announced. */
  | { readonly type: "data.misbehaved" };

/** The dialog with one recipient of a large message. */
export type LargeMessageRecipientEvent =
  | DialogEvent
  | CallEvent
  | { readonly type: "msrp.bound" }
  | { readonly type: "msrp.lost" }
  /** The answer's types travel on to the large message. */
  | { readonly type: "sip.accepted"; readonly wrappedTypes: "indicated" | "notIndicated"; readonly acceptTypes: "covers" | "other" }
  | { readonly type: "largeMessage.invite" }
  | { readonly type: "largeMessage.deliver"; readonly unwrapped: boolean }
  /** This recipient acknowledged every octet. */
  | { readonly type: "data.drained" }
  /** This recipient answered a chunk with an error. */
  | { readonly type: "data.refused" };

// ---------------------------------------------------------------- conference subscription

export type ConferenceSubscriptionEvent =
  | Subscribe
  | { readonly type: "group.changed" }
  | { readonly type: "group.ended" }
  /** The subscriber is no longer a member. */
  | { readonly type: "group.expelled" }
  /** A NOTIFY was answered 481 or not at all. @see RFC 6665 §4.2.2 */
  | { readonly type: "sip.NOTIFY.failed" };
