/** A count of octets. Never a count of characters. */
export type Octets = number;

/**
 * Octets `start` up to but not including `end`; the first octet is 0.
 *
 * Not MSRP's Byte-Range nor SDP's file-range, which start at 1 and include
 * their end: the codecs convert, and the other name says that they have.
 *
 * @see RFC 4975 §7.1.1, RFC 5547 §6
 */
export interface OctetRange {
  readonly start: Octets;
  readonly end: Octets;
}

/**
 * A Participant's place in the group, counted from 0 in the order in which they came; the creator is 0.
 *
 * A machine knows seats and never addresses: whose URI sits there is the runtime's to know.
 */
export type Seat = number;

/** Who sent a request: a Participant, past or present, or somebody the group has never known. */
export type Sender = Seat | "stranger";

/**
 * What a seat is to the group.
 *
 * `invited`, `connected` and `away` are members. `away` has no dialog and has not left: going off-line is not leaving.
 * `removed` was booted and stays out.
 */
export type SeatStatus = "invited" | "connected" | "away" | "left" | "declined" | "failed" | "removed";

/** One user of the group. @see RFC 4575 §5.6 */
export interface SeatState {
  readonly status: SeatStatus;
  /** Dialogs with devices of this user that have not ended, whatever their state. */
  readonly legs: number;
}

/** The place of a recipient in one large message, counted from 0. */
export type Recipient = number;

/**
 * How far one recipient of a large message has come.
 *
 * `waiting` has been invited, `ringing` alerts its user, `ready` accepted and is being served, `excluded` was left out
 * by policy, `declined` and `failed` are over without the file, `done` has all of it.
 */
export type RecipientStatus = "waiting" | "ringing" | "ready" | "excluded" | "declined" | "failed" | "done";

/** A SIP status code of a final response that refuses, or 200/202 that accepts. @see RFC 3261 §21 */
export type Status = 200 | 202 | 400 | 403 | 404 | 408 | 410 | 420 | 423 | 480 | 481 | 482 | 486 | 487 | 488 | 491 | 500 | 503 | 603;

/** An MSRP status code. @see RFC 4975 §10, RFC 7701 §12.2 */
export type MsrpStatus = 200 | 403 | 404 | 413 | 415 | 428 | 481;

/**
 * The OMA warning texts that we send: number and text together are the warn-text, and the warn-code is 399.
 *
 * @see CPM-CR §9.3.1, RFC 3261 §20.43
 */
export const warnings = {
  tooManyParticipants: "102 Too many participants",
  anonymityNotAllowed: "119 Anonymity not allowed",
  functionNotAllowed: "122 Function not allowed",
  serviceNotAuthorised: "127 Service not authorised",
  noDestinations: "129 No destinations",
  sizeExceeded: "133 Size exceeded",
} as const;

export type Warning = keyof typeof warnings;

/**
 * Why the Controlling Function ends a dialog; the Reason header field that says it is the codec's.
 *
 * `idle` has no Reason at all: a client takes that for inactivity and may re-join.
 */
export type ReleaseReason = "completed" | "booted" | "gone" | "idle" | "bearerUnavailable" | "sessionExpired" | "notAcceptable";
