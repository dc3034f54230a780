import type { Timer } from "../clock.ts";
import type { Core } from "./core.ts";
import type { SipMessage } from "./message.ts";

/** Whether the caller can, or must, be answered reliably. @see RFC 3262 §3 */
export function supportsReliable(invite: SipMessage): boolean {
  return invite.has("supported", "100rel") || requiresReliable(invite);
}

export function requiresReliable(invite: SipMessage): boolean {
  return invite.has("require", "100rel");
}

/**
 * The reliable provisional responses to one INVITE: sent one after the other,
 * each again and again until its PRACK. @see RFC 3262 §3
 */
export class ReliableProvisionals {
  readonly #core: Core;
  readonly #send: (response: SipMessage) => void;
  readonly #unacknowledged: () => void;
  readonly #waiting: SipMessage[] = [];
  #current: SipMessage | undefined;
  #rseq = 0;
  #timer: Timer | undefined;
  #whenAcknowledged: (() => void) | undefined;

  constructor(core: Core, send: (response: SipMessage) => void, unacknowledged: () => void) {
    this.#core = core;
    this.#send = send;
    this.#unacknowledged = unacknowledged;
  }

  /** Sends the response, or keeps it until the one before has its PRACK. */
  send(response: SipMessage): void {
    if (this.#rseq === 0) this.#rseq = 1 + (Number.parseInt(this.#core.token().slice(0, 7), 16) & 0xffffff);
    response.add("Require", "100rel").add("RSeq", String(this.#rseq++));
    this.#waiting.push(response);
    if (this.#current === undefined) this.#sendNext();
  }

  /** Calls back once every response has its PRACK: a 2xx that leaves earlier would cross it. */
  whenAcknowledged(proceed: () => void): void {
    if (this.#current === undefined) proceed();
    else this.#whenAcknowledged = proceed;
  }

  /** Takes a PRACK; false when it is for no response of ours. */
  acknowledge(prack: SipMessage): boolean {
    const current = this.#current;
    const [rseq, seq, method] = (prack.get("rack") ?? "").split(/[ \t]+/, 3);
    if (current === undefined || rseq !== current.get("rseq")) return false;
    if (Number(seq) !== current.cseq.seq || method !== "INVITE") return false;
    this.#timer?.stop();
    this.#current = undefined;
    this.#sendNext();
    return true;
  }

  /** To be called when the PRACK has its 200. */
  proceed(): void {
    const proceed = this.#whenAcknowledged;
    if (proceed === undefined) return;
    this.#whenAcknowledged = undefined;
    this.whenAcknowledged(proceed);
  }

  stop(): void {
    this.#timer?.stop();
    this.#waiting.length = 0;
    this.#current = undefined;
  }

  #sendNext(): void {
    this.#current = this.#waiting.shift();
    if (this.#current !== undefined) this.#transmit(this.#current, this.#core.t1Ms, 0);
  }

  /** The interval doubles without a ceiling, up to 64*T1 in all. */
  #transmit(response: SipMessage, intervalMs: number, elapsedMs: number): void {
    const restMs = 64 * this.#core.t1Ms - elapsedMs;
    if (restMs <= 0) {
      this.stop();
      this.#unacknowledged();
      return;
    }
    this.#send(response);
    const waitMs = Math.min(intervalMs, restMs);
    this.#timer = this.#core.timers.after(waitMs, () => this.#transmit(response, 2 * waitMs, elapsedMs + waitMs));
  }
}
