import type { Timer } from "../clock.ts";
import { toNameAddr } from "./content.ts";
import type { Content, ResponseContent } from "./content.ts";
import type { Core } from "./core.ts";
import { Dialog } from "./dialog.ts";
import { InviteDialog } from "./invite-dialog.ts";
import type { SipMessage } from "./message.ts";
import { ReliableProvisionals, requiresReliable, supportsReliable } from "./reliable.ts";
import { answerSessionTimer } from "./session-timer.ts";
import type { ServerTransaction } from "./transaction.ts";
import type { Flow } from "./transport.ts";

/** What the user hears of an INVITE after it got it. */
export interface IncomingInviteUser {
  /**
   * The caller cancelled, or sent BYE in the early dialog; that request is answered already and the INVITE is
   * not: `reject(487)` is the user's to say. Without this callback the INVITE gets its 487 at once.
   */
  onCancel?(cancel: SipMessage): void;
  /** The ACK of our 2xx, once. */
  onAck?(ack: SipMessage): void;
  /** No ACK came within 64*T1 of our 2xx; the user decides to send BYE. @see RFC 3261 §13.3.1.4 */
  onNoAck?(): void;
  /** No PRACK came within 64*T1; the INVITE should be rejected with a 5xx. Without this callback it is, with 504. @see RFC 3262 §3 */
  onNoPrack?(): void;
}

export interface Provisional extends ResponseContent {
  /** Reliably, where the peer supports it; where the peer requires it, it always is. @see RFC 3262 §3 */
  readonly reliable?: boolean | undefined;
  /** As in `Acceptance`; the Contact of an early dialog stays that of the dialog. */
  readonly contact?: string | undefined;
}

export interface Acceptance extends Content {
  /** The Contact header field's value, e.g. `<sip:group@host:5060>;isfocus`; the endpoint's own when it is left out. */
  readonly contact?: string | undefined;
  /** 200 unless said. */
  readonly status?: number | undefined;
}

/** An INVITE that awaits its final response: the first of a dialog or, with `initial` false, a re-INVITE. @see RFC 3261 §13.3, §14.2 */
export class IncomingInvite {
  readonly request: SipMessage;
  /** Where the request came from. */
  readonly flow: Flow;
  readonly initial: boolean;
  user: IncomingInviteUser = {};
  readonly #core: Core;
  readonly #transaction: ServerTransaction;
  /** What the first INVITE of a dialog begins; it becomes an early dialog with the first response that has our tag. */
  readonly #begun: Dialog | undefined;
  #dialog: InviteDialog | undefined;
  #reliable: ReliableProvisionals | undefined;
  #answered = false;

  /** @throws {PeerMisbehaved} SIP_MALFORMED, 400: no usable Contact. */
  constructor(core: Core, transaction: ServerTransaction, dialog?: InviteDialog) {
    this.#core = core;
    this.#transaction = transaction;
    this.request = transaction.request;
    this.flow = transaction.flow;
    this.initial = dialog === undefined;
    this.#dialog = dialog;
    this.#begun = dialog ? undefined : Dialog.ofRequest(this.request, transaction.toTag, core.contact(this.flow), this.flow);
    core.inviteArrived(transaction, this);
  }

  /** The tag of our side, the same in every response. */
  get localTag(): string {
    return this.#dialog?.localTag ?? this.#transaction.toTag;
  }

  /** Whether a final response was sent, or waits only for a PRACK. */
  get answered(): boolean {
    return this.#answered;
  }

  /** Sends a provisional response, 101 to 199. Nothing after the final one. */
  ring(status = 180, content: Provisional = {}): void {
    if (this.#answered) return;
    const dialog = this.#dialogFor(content.contact);
    const response = this.#createResponse(status, content).add("Contact", dialog.contact);
    const reliably = requiresReliable(this.request) || (content.reliable === true && supportsReliable(this.request));
    if (reliably) this.#reliably().send(response);
    else this.#transaction.respond(response);
  }

  /**
   * Sends the 2xx, and again until its ACK. In a re-INVITE an absent body means the description that was last sent.
   * After a final response it does nothing but return the dialog.
   */
  accept(content: Acceptance = {}): InviteDialog {
    const dialog = this.#dialogFor(content.contact);
    if (this.#answered) return dialog;
    this.#answered = true;
    const send = () => this.#accept(dialog, content);
    if (this.#reliable) this.#reliable.whenAcknowledged(send);
    else send();
    return dialog;
  }

  #accept(dialog: InviteDialog, content: Acceptance): void {
    const description = this.initial ? content : dialog.describe(content);
    const response = this.#createResponse(content.status ?? 200, description)
      .add("Contact", dialog.contact)
      .add("Allow", this.#core.allow)
      .add("Supported", this.#core.supported);
    const timer = answerSessionTimer(this.request, response, this.#core);
    this.#core.inviteAnswered(this.#transaction);
    dialog.accepted(this.request, description, timer);
    this.#transaction.respond(response);
    dialog.awaitAck(this.request.cseq.seq, this.#retransmit(response, dialog));
  }

  /** Repeats the 2xx, at intervals from T1 to T2, until it is told of the ACK or 64*T1 have passed. @see RFC 3261 §13.3.1.4 */
  #retransmit(response: SipMessage, dialog: InviteDialog): (ack: SipMessage | undefined) => void {
    const { timers, t1Ms, t2Ms } = this.#core;
    let timer: Timer;
    const wait = (intervalMs: number, restMs: number) => {
      const waitMs = Math.min(intervalMs, restMs);
      timer = timers.after(waitMs, () => {
        if (waitMs === restMs) return this.#missAck(dialog);
        this.#transaction.respond(response);
        wait(Math.min(2 * intervalMs, t2Ms), restMs - waitMs);
      });
    };
    wait(t1Ms, 64 * t1Ms);
    return (ack) => {
      timer.stop();
      if (ack) this.user.onAck?.(ack);
    };
  }

  #missAck(dialog: InviteDialog): void {
    this.#core.counters.missingAcks++;
    dialog.missAck();
    this.user.onNoAck?.();
  }

  /** Sends a final response of 300 or above. Nothing after the final one. */
  reject(status: number, content: ResponseContent = {}): void {
    if (this.#answered) return;
    this.#answered = true;
    this.#reliable?.stop();
    this.#transaction.respond(this.#createResponse(status, content));
    this.#core.inviteAnswered(this.#transaction);
    if (this.initial) this.#dialog?.end();
    this.#dialog?.answered(this);
  }

  /** For the endpoint: the CANCEL, or the BYE in the early dialog, is answered. */
  cancelled(cancel: SipMessage): void {
    if (this.#answered) return;
    if (this.user.onCancel) this.user.onCancel(cancel);
    else this.reject(487);
  }

  /** For the dialog: a PRACK, answered here if it is for a response of this INVITE. */
  acknowledge(prack: ServerTransaction): boolean {
    if (!this.#reliable?.acknowledge(prack.request)) return false;
    this.#core.answer(prack, 200);
    this.#reliable.proceed();
    return true;
  }

  #createResponse(status: number, content: ResponseContent): SipMessage {
    const response = this.#core.createResponse(this.request, status, content, this.localTag);
    this.#core.recordRoute?.onResponse(this.request, response, this.flow);
    return response;
  }

  #dialogFor(contact: string | undefined): InviteDialog {
    if (this.#begun === undefined) return this.#dialog as InviteDialog;
    if (contact !== undefined) this.#begun.contact = toNameAddr(contact);
    this.#dialog ??= new InviteDialog(this.#core, this.#begun, this);
    return this.#dialog;
  }

  #reliably(): ReliableProvisionals {
    this.#reliable ??= new ReliableProvisionals(
      this.#core,
      (response) => this.#transaction.respond(response),
      () => this.#missPrack(),
    );
    return this.#reliable;
  }

  /** A 2xx that waited for the PRACK never leaves: its dialog is gone. */
  #missPrack(): void {
    const accepted = this.#answered;
    this.#answered = false;
    if (this.user.onNoPrack && !accepted) return this.user.onNoPrack();
    this.reject(504);
    if (accepted) this.#dialog?.user.onGone?.(504);
  }
}
