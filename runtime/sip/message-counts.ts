import { Tally } from "../tally.ts";
import type { SipMessage } from "./message.ts";

/** Methods that have a name of their own among the counts; a peer may invent others. */
const named = new Set(["INVITE", "ACK", "BYE", "CANCEL", "OPTIONS", "REGISTER", "PRACK", "SUBSCRIBE", "NOTIFY", "UPDATE", "MESSAGE", "REFER", "PUBLISH", "INFO"]);
const nameOf = (method: string): string => (named.has(method) ? method : "other");

/** Requests and responses since the start; a request once, however often it was sent or came again. */
export class MessageCounts {
  /** The ACK of a refusal that we received belongs to the INVITE and is not among those that went out. */
  readonly requests = new Tally("direction", "method");
  readonly responses = new Tally("direction", "method", "class");
  /** What we refused; `warning` is the text that went with it, empty where there was none. */
  readonly refusals = new Tally("status", "warning");

  request(direction: "in" | "out", method: string): void {
    this.requests.add(direction, nameOf(method));
  }

  response(direction: "in" | "out", method: string, response: SipMessage): void {
    const { status } = response;
    this.responses.add(direction, nameOf(method), `${Math.floor(status / 100)}xx`);
    if (direction === "out" && status >= 300) this.refusals.add(String(status), warningOf(response));
  }
}

/** The warn-text of a response of ours. @see RFC 3261 §20.43 */
function warningOf(response: SipMessage): string {
  return /"([^"]{0,64})"/.exec(response.get("warning") ?? "")?.[1] ?? "";
}
