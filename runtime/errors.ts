import type { Clause } from "../machines/clauses.ts";

/**
 * What a peer can get wrong: a stable code and the sentence that explains it.
 * Tests and logs compare codes, never messages.
 */
export const faults = {
  SIP_MALFORMED: "the SIP message breaks the grammar",
  SIP_VERSION: "the SIP version is not 2.0",
  SIP_TOO_LARGE: "the SIP message is above our limit",
  SDP_MALFORMED: "the session description breaks the grammar",
  SDP_NO_MESSAGE_MEDIA: "the session description has no m=message line that we can use",
  SDP_NO_FILE_SELECTOR: "the file transfer offer names no file",
  MULTIPART_MALFORMED: "the multipart body breaks the grammar",
  XML_MALFORMED: "the XML document is not well-formed, has a DTD, or is too deep or too large",
  RESOURCE_LISTS_MALFORMED: "the recipient list breaks its schema",
  RESOURCE_LISTS_TOO_LONG: "the recipient list has more entries than any group takes",
  IMDN_MALFORMED: "the disposition notification breaks its schema",
  IS_COMPOSING_MALFORMED: "the composition status breaks its schema",
  CONFERENCE_INFO_MALFORMED: "the conference information breaks its schema",
  CPIM_MALFORMED: "the CPIM message breaks the grammar",
  MSRP_MALFORMED: "the MSRP frame breaks the grammar",
  MSRP_TOO_LARGE: "the MSRP message is above our limit",
  MSRP_UNKNOWN_SESSION: "the MSRP request names a session that is not here",
  MSRP_SESSION_BOUND_ELSEWHERE: "the MSRP session is bound to another connection",
} as const;

export type Fault = keyof typeof faults;

/**
 * The peer broke a rule.
 *
 * Thrown by the codecs only, caught by the connection that fed them only, and
 * answered with `status` where there is somebody to answer. Our own faults are
 * assertions; a lost socket is an event, not an error.
 */
export class PeerMisbehaved extends Error {
  override readonly name: string = "PeerMisbehaved";
  readonly fault: Fault;
  /** The rule that was broken. */
  readonly clause: Clause;
  /** The SIP or MSRP status that answers it. */
  readonly status: number;

  constructor(fault: Fault, clause: Clause, status: number, detail: string) {
    super(`${fault}: ${detail} (${clause})`);
    this.fault = fault;
    this.clause = clause;
    this.status = status;
  }
}

/** The message is legal and outside what we support. Answered like `PeerMisbehaved`, and not the peer's fault. */
export class PeerIncompatible extends PeerMisbehaved {
  override readonly name = "PeerIncompatible";
}
