import type { SipMessage } from "./message.ts";

/** The octets of a message. Content-Length is always written, last. */
export function serialise(_message: SipMessage): Buffer { throw new Error("skeleton"); }
export function createResponse(_request: SipMessage, _status: number, _reason?: string, _toTag?: string): SipMessage { throw new Error("skeleton"); }
