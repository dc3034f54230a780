import { PeerMisbehaved } from "../errors.ts";
import type { SipMessage } from "./message.ts";

/** The limits on what a peer may make us hold. */
export interface SipLimits {
  readonly headOctets: number;
  readonly bodyOctets: number;
  readonly headerFields: number;
  readonly vias: number;
}

/** A CRLF between messages is a pong; the second one in a row makes a ping, told besides. @see RFC 5626 §3.5.1 */
export interface KeepAlive {
  readonly keepAlive: "ping" | "pong";
}

/** A message that could not be read. `octets` is what there is of it: `answerTo(octets, fault)` makes the answer. */
export class SipUnreadable extends PeerMisbehaved {
  readonly octets: Buffer = Buffer.alloc(0);
}

/** Whether a datagram is a keep-alive (nothing but CR, LF and NUL, or empty): ask before `parseDatagram`. */
export function isKeepAlive(_octets: Buffer): boolean { throw new Error("skeleton"); }
export function parseDatagram(_octets: Buffer, _limits?: Partial<SipLimits>): SipMessage { throw new Error("skeleton"); }
export function validate(_message: SipMessage, _limits?: Partial<SipLimits>): void { throw new Error("skeleton"); }
/** The error response to a message that could not be read or validated; undefined when nobody is to be answered (a response, an ACK, no Via). */
export function answerTo(_octets: Buffer, _fault: PeerMisbehaved): SipMessage | undefined { throw new Error("skeleton"); }

export class StreamParser {
  constructor(_limits?: Partial<SipLimits>) {}
  /** What is incomplete: start the head's timer on "head". Undefined between messages. */
  get waiting(): "head" | "body" | undefined { throw new Error("skeleton"); }
  /** The framing is lost: answer, then close the connection; later octets are ignored. */
  get broken(): boolean { throw new Error("skeleton"); }
  push(_octets: Buffer): (SipMessage | KeepAlive | SipUnreadable)[] { throw new Error("skeleton"); }
}
