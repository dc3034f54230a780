import { PeerMisbehaved } from "../errors.ts";
import type { SipMessage } from "./message.ts";

/** The session timer as negotiated. @see RFC 4028 §7.2, §9 */
export interface SessionTimer {
  /** From the last refresh on. */
  readonly sessionExpiresMs: number;
  /** We are the refresher: refresh at half the interval; else BYE when it has nearly passed. @see RFC 4028 §10 */
  readonly weRefresh: boolean;
}

/** What we want of it. */
export interface SessionTimerPolicy {
  /** 0: none is asked for, and none accepted. */
  readonly sessionExpiresMs: number;
  readonly minSeMs: number;
}

type Refresher = "uac" | "uas";

interface SessionExpires {
  readonly seconds: number;
  readonly refresher: Refresher | undefined;
}

/** @throws {PeerMisbehaved} SIP_MALFORMED, 400: the value breaks the grammar. @see RFC 4028 §4 */
function readSessionExpires(message: SipMessage): SessionExpires | undefined {
  const value = message.get("session-expires");
  if (value === undefined) return undefined;
  const [interval = "", ...params] = value.split(";", 8);
  const refresher = params.map((param) => param.trim().toLowerCase()).find((param) => param.startsWith("refresher"));
  const role = refresher?.slice(refresher.indexOf("=") + 1).trim();
  return { seconds: readSeconds(interval), refresher: role === "uac" || role === "uas" ? role : undefined };
}

function readSeconds(text: string): number {
  const digits = text.trim();
  if (!/^\d{1,10}$/.test(digits)) throw new PeerMisbehaved("SIP_MALFORMED", "RFC 4028 §4", 400, "an interval is no number of seconds");
  return Number(digits);
}

/** The Min-SE of a message, in seconds; 90 where it has none. @see RFC 4028 §5 */
export function readMinSe(message: SipMessage): number {
  const value = message.get("min-se");
  return value === undefined ? 90 : readSeconds(value.split(";", 1)[0] ?? "");
}

/**
 * Whether a request asks for a shorter interval than we take and understands the 422 that says so.
 *
 * @throws {PeerMisbehaved} SIP_MALFORMED, 400: Session-Expires or Min-SE breaks the grammar.
 * @see RFC 4028 §9
 */
export function isTooBrief(request: SipMessage, policy: SessionTimerPolicy): boolean {
  const asked = readSessionExpires(request);
  readMinSe(request);
  return asked !== undefined && asked.seconds * 1000 < policy.minSeMs && request.has("supported", "timer");
}

/** Asks for a session timer; in a refresh the refresher stays who it is. @see RFC 4028 §7.1, §7.4 */
export function askSessionTimer(request: SipMessage, policy: SessionTimerPolicy, current?: SessionTimer, minSeS = policy.minSeMs / 1000): void {
  if (policy.sessionExpiresMs === 0) return;
  const seconds = Math.max(Math.round((current?.sessionExpiresMs ?? policy.sessionExpiresMs) / 1000), minSeS);
  const refresher = current === undefined ? "" : `;refresher=${current.weRefresh ? "uac" : "uas"}`;
  request.add("Session-Expires", `${seconds}${refresher}`);
  if (minSeS > 90) request.add("Min-SE", String(minSeS));
}

/** Settles the timer that a request asks for, and says so in the 2xx. @see RFC 4028 §9 */
export function answerSessionTimer(request: SipMessage, response: SipMessage, policy: SessionTimerPolicy): SessionTimer | undefined {
  if (policy.sessionExpiresMs === 0) return undefined;
  const peerSupports = request.has("supported", "timer") || request.has("require", "timer");
  const asked = readSessionExpires(request);
  const ours = Math.round(policy.sessionExpiresMs / 1000);
  const seconds = Math.max(Math.min(asked?.seconds ?? ours, ours), readMinSe(request));
  const refresher = peerSupports ? (asked?.refresher ?? "uac") : "uas";
  if (peerSupports) response.add("Require", "timer");
  response.add("Session-Expires", `${seconds};refresher=${refresher}`);
  return { sessionExpiresMs: seconds * 1000, weRefresh: refresher === "uas" };
}

/** The timer that a 2xx to our request grants; undefined where it grants none. @see RFC 4028 §7.2 */
export function grantedSessionTimer(response: SipMessage): SessionTimer | undefined {
  const granted = readSessionExpires(response);
  return granted && { sessionExpiresMs: granted.seconds * 1000, weRefresh: granted.refresher !== "uas" };
}
