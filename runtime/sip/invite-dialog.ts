import { fill, sessionDescription } from "./content.ts";
import type { Content, HeaderFields } from "./content.ts";
import type { Core } from "./core.ts";
import type { OnResponse } from "./final-response.ts";
import { Dialog } from "./dialog.ts";
import type { DialogUsage } from "./dialog.ts";
import { finalResponse } from "./final-response.ts";
import { IncomingRequest } from "./incoming-request.ts";
import { IncomingInvite } from "./invite-server.ts";
import type { SipMessage } from "./message.ts";
import { IncomingRefer } from "./refer.ts";
import { answerSessionTimer, askSessionTimer, grantedSessionTimer, isTooBrief, readMinSe } from "./session-timer.ts";
import type { SessionTimer } from "./session-timer.ts";
import type { ClientUser, ServerTransaction } from "./transaction.ts";

/** What the user hears of an established dialog. */
export interface InviteDialogUser {
  /** The peer ended the dialog; the BYE has its 200. */
  onBye?(bye: SipMessage): void;
  /** A request of ours got 481 or 408, or nothing: the dialog is over and no BYE is needed. @see RFC 3261 §12.2.1.2 */
  onGone?(status: number): void;
  /** A re-INVITE; left out, it is accepted with the description that was last sent. */
  onReinvite?(invite: IncomingInvite): void;
  /** An UPDATE with a body; one without only refreshes and has its 200. Left out: 488. @see RFC 3311 §5.2 */
  onUpdate?(update: IncomingRequest): void;
  /** Left out: 403. */
  onRefer?(refer: IncomingRefer): void;
  /** Any other request: INFO, MESSAGE, NOTIFY. Left out: 405, and 481 for NOTIFY. */
  onRequest?(request: IncomingRequest): void;
  /** A refresh moved the session's expiry, or ended the timer. @see RFC 4028 §7.2, §9 */
  onSessionTimer?(timer: SessionTimer | undefined): void;
}

/** `ending`: our BYE awaits its answer. */
type State = "early" | "confirmed" | "ending" | "terminated";

/** A 2xx of ours that awaits its ACK. */
interface AwaitedAck {
  readonly seq: number;
  /** Ends the retransmissions; with the ACK, or without when it is not awaited any more. */
  readonly done: (ack: SipMessage | undefined) => void;
}

/** A dialog made by INVITE. @see RFC 3261 §12, §13 */
export class InviteDialog implements DialogUsage {
  user: InviteDialogUser = {};
  readonly #core: Core;
  readonly #dialog: Dialog;
  #state: State = "early";
  #sessionTimer: SessionTimer | undefined;
  /** The peer's INVITE that has no final response yet. */
  #incoming: IncomingInvite | undefined;
  /** Our INVITE, or our UPDATE with an offer, has no final response yet. */
  #offering = false;
  #awaited: AwaitedAck | undefined;
  #postponed: (() => void) | undefined;
  #description: Content = {};
  #peerAllowsUpdate = false;

  constructor(core: Core, dialog: Dialog, incoming?: IncomingInvite) {
    this.#core = core;
    this.#dialog = dialog;
    this.#incoming = incoming;
    core.addUsage(dialog, this);
  }

  get callId(): string {
    return this.#dialog.callId;
  }
  get localTag(): string {
    return this.#dialog.localTag;
  }
  get remoteTag(): string {
    return this.#dialog.remoteTag;
  }
  get localUri(): string {
    return this.#dialog.localUri;
  }
  get remoteUri(): string {
    return this.#dialog.remoteUri;
  }
  get remoteTarget(): string {
    return this.#dialog.remoteTarget;
  }
  get routeSet(): readonly string[] {
    return this.#dialog.routeSet;
  }
  get secure(): boolean {
    return this.#dialog.secure;
  }
  get contact(): string {
    return this.#dialog.contact;
  }
  get state(): "early" | "confirmed" | "terminated" {
    return this.#state === "ending" ? "terminated" : this.#state;
  }
  /** Who refreshes, and when the session expires; undefined without a session timer. */
  get sessionTimer(): SessionTimer | undefined {
    return this.#sessionTimer;
  }

  /** Ends the dialog. While our 2xx awaits its ACK, or the PRACK before it, the BYE waits too. @see RFC 3261 §15 */
  bye(headers: HeaderFields = [], onResponse: OnResponse = () => {}): void {
    const bye = () => {
      const request = fill(this.#dialog.createRequest("BYE"), { headers });
      if (this.#state !== "confirmed") {
        onResponse(this.#core.createResponse(request, 481));
        return;
      }
      this.#state = "ending";
      const ended: OnResponse = (response, cause) => {
        this.end();
        onResponse(response, cause);
      };
      this.#core.sendInDialog(this.#dialog, request, finalResponse(this.#core, request, ended));
    };
    if (this.#awaited || (this.#state === "early" && this.#incoming?.answered)) this.#postponed = bye;
    else bye();
  }

  /** Sends any request but INVITE, BYE, ACK, CANCEL and PRACK. */
  request(method: string, content: Content = {}, onResponse: OnResponse = () => {}): void {
    const request = fill(this.#dialog.createRequest(method), content);
    if (method === "UPDATE" || method === "REFER") request.add("Contact", this.contact);
    this.#send(request, (response, cause) => {
      if (response.status < 300) this.#dialog.refreshTarget(response, method);
      onResponse(response, cause);
    });
  }

  #send(request: SipMessage, onResponse: OnResponse): void {
    const user = finalResponse(this.#core, request, (response, cause) => this.#answeredBy(response, () => onResponse(response, cause)));
    this.#core.sendInDialog(this.#dialog, request, user);
  }

  /** Tells of a final response, and of the end of the dialog if it is that. */
  #answeredBy(response: SipMessage, tell: () => void): void {
    tell();
    if (!Dialog.ends(response.status) || this.#state !== "confirmed") return;
    this.end();
    this.user.onGone?.(response.status);
  }

  /** Sends a re-INVITE; an absent body repeats the description that was last sent. A 491 is the user's to try again. @see RFC 3261 §14.1 */
  reinvite(content: Content, onResponse: OnResponse): void {
    this.#reinvite(content, onResponse, undefined);
  }

  #reinvite(content: Content, onResponse: OnResponse, minSeS: number | undefined): void {
    const description = this.describe(content);
    const request = this.#refreshing("INVITE", description, minSeS).add("Allow", this.#core.allow);
    if (this.#offering || this.#incoming || this.#state !== "confirmed") {
      onResponse(this.#core.createResponse(request, this.#state === "confirmed" ? 491 : 481));
      return;
    }
    this.#offering = true;
    const answered: OnResponse = (response, cause) => {
      this.#offering = false;
      if (response.status === 422 && minSeS === undefined) this.#reinvite(content, onResponse, readMinSe(response));
      else this.#answeredBy(response, () => onResponse(response, cause));
    };
    this.#core.sendInDialog(this.#dialog, request, this.#reinviteUser(request, description, answered));
  }

  #reinviteUser(request: SipMessage, description: Content, answered: OnResponse): ClientUser {
    const final = finalResponse(this.#core, request, answered);
    let accepted = false;
    return {
      onResponse: (response) => {
        if (response.status < 200) return;
        if (response.status >= 300) return final.onResponse(response);
        this.#dialog.refreshTarget(response, "INVITE");
        this.acknowledge(request.cseq.seq);
        if (accepted) return;
        accepted = true;
        this.#describedBy(description);
        this.#setTimer(grantedSessionTimer(response));
        final.onResponse(response);
      },
      onTimeout: () => final.onTimeout(),
      onTransportError: (error) => final.onTransportError(error),
    };
  }

  /** Refreshes the session: UPDATE where the peer allows it, else a re-INVITE with the description unchanged. @see RFC 4028 §7.4 */
  refresh(onResponse: OnResponse = () => {}, headers: HeaderFields = []): void {
    if (this.#peerAllowsUpdate) this.#update(headers, onResponse, undefined);
    else this.reinvite({ headers }, onResponse);
  }

  #update(headers: HeaderFields, onResponse: OnResponse, minSeS: number | undefined): void {
    const request = this.#refreshing("UPDATE", { headers }, minSeS);
    this.#send(request, (response, cause) => {
      if (response.status === 422 && minSeS === undefined) return this.#update(headers, onResponse, readMinSe(response));
      if (response.status < 300) {
        this.#dialog.refreshTarget(response, "UPDATE");
        this.#setTimer(grantedSessionTimer(response));
      }
      onResponse(response, cause);
    });
  }

  #refreshing(method: string, content: Content, minSeS: number | undefined): SipMessage {
    const request = this.#dialog.createRequest(method).add("Contact", this.contact).add("Supported", this.#core.supported);
    askSessionTimer(request, this.#core, this.#sessionTimer, minSeS);
    return fill(request, content);
  }

  /** For the INVITE: the content with the description that was last sent, unless it has one. */
  describe(content: Content): Content {
    return content.body === undefined ? { ...content, contentType: this.#description.contentType, body: this.#description.body } : content;
  }

  #describedBy({ contentType, body }: Content): void {
    if (body !== undefined) this.#description = sessionDescription({ contentType, body });
  }

  /** For the INVITE: a 2xx leaves. `request` is the peer's. */
  accepted(request: SipMessage, description: Content, timer: SessionTimer | undefined): void {
    this.#incoming = undefined;
    this.#confirmed(request, description, timer);
  }

  /** For the INVITE: the first 2xx of this dialog came, and gets its ACK. */
  confirm(response: SipMessage, description: Content): void {
    this.#dialog.confirm(response, this.#core.recordRoute);
    this.#confirmed(response, description, grantedSessionTimer(response));
  }

  #confirmed(fromPeer: SipMessage, description: Content, timer: SessionTimer | undefined): void {
    const first = this.#state === "early";
    if (first) this.#state = "confirmed";
    if (fromPeer.get("allow") !== undefined) this.#peerAllowsUpdate = fromPeer.has("allow", "UPDATE");
    this.#describedBy(description);
    if (first) this.#sessionTimer = timer;
    else this.#setTimer(timer);
  }

  #setTimer(timer: SessionTimer | undefined): void {
    this.#sessionTimer = timer;
    this.user.onSessionTimer?.(timer);
  }

  /** For the INVITE: sends the ACK of a 2xx, every time that one comes. @see RFC 3261 §13.2.2.4 */
  acknowledge(seq: number): void {
    this.#core.sendAck(this.#dialog, this.#dialog.createRequest("ACK", seq));
  }

  /** For the INVITE: a request of this dialog while it is early, as PRACK. */
  sendEarly(method: string, headers: HeaderFields, onResponse: OnResponse): void {
    const request = fill(this.#dialog.createRequest(method), { headers });
    this.#core.sendInDialog(this.#dialog, request, finalResponse(this.#core, request, onResponse));
  }

  /** For the INVITE: it has its final response. */
  answered(invite: IncomingInvite): void {
    if (this.#incoming === invite) this.#incoming = undefined;
  }

  /** For the INVITE: a 2xx has left and is repeated until `done`. */
  awaitAck(seq: number, done: AwaitedAck["done"]): void {
    this.#awaited?.done(undefined);
    this.#awaited = { seq, done };
  }

  /** For the INVITE: no ACK came in time. */
  missAck(): void {
    this.#awaited = undefined;
    this.#proceed();
  }

  /** Nobody waits for the ACK of our 2xx any longer: a BYE that has waited for it goes. */
  giveUpAck(): void {
    this.#awaited?.done(undefined);
    this.missAck();
  }

  /** For the endpoint: an ACK with our tag; false for one that nothing awaits. */
  receiveAck(ack: SipMessage): boolean {
    const awaited = this.#awaited;
    if (awaited === undefined || awaited.seq !== ack.cseq.seq) return false;
    this.#awaited = undefined;
    awaited.done(ack);
    this.#proceed();
    return true;
  }

  #proceed(): void {
    const postponed = this.#postponed;
    this.#postponed = undefined;
    postponed?.();
  }

  /** For the endpoint and the INVITE: the dialog is over, without a word to the peer. */
  end(): void {
    if (this.#state === "terminated") return;
    this.#state = "terminated";
    this.#awaited?.done(undefined);
    this.#awaited = undefined;
    this.#core.removeUsage(this.#dialog, this);
    this.#proceed();
  }

  receive(transaction: ServerTransaction): boolean {
    const { method } = transaction;
    if (method === "SUBSCRIBE" || (method === "NOTIFY" && !this.user.onRequest)) return false;
    if (this.#state === "ending" && method !== "BYE") return false;
    switch (method) {
      case "INVITE":
        this.#receiveInvite(transaction);
        return true;
      case "BYE":
        this.#receiveBye(transaction);
        return true;
      case "UPDATE":
        this.#receiveUpdate(transaction);
        return true;
      case "PRACK":
        return this.#incoming?.acknowledge(transaction) ?? false;
      case "REFER":
        if (!this.#core.admitsSubscription(this.#dialog)) this.#core.overload(transaction);
        else if (this.user.onRefer) this.user.onRefer(new IncomingRefer(this.#core, transaction, this, this.#dialog));
        else this.#core.answer(transaction, 403);
        return true;
      default:
        if (this.user.onRequest) this.user.onRequest(new IncomingRequest(this.#core, transaction));
        else this.#core.answer(transaction, 405, { headers: [["Allow", this.#core.allow]] });
        return true;
    }
  }

  #receiveInvite(transaction: ServerTransaction): void {
    if (this.#refusesOffer(transaction) || refusesTimer(this.#core, transaction)) return;
    this.#dialog.refreshTarget(transaction.request, "INVITE");
    const invite = new IncomingInvite(this.#core, transaction, this);
    this.#incoming = invite;
    if (this.user.onReinvite) this.user.onReinvite(invite);
    else invite.accept();
  }

  /** Offers do not overlap. @see RFC 3261 §14.2, RFC 3311 §5.2 */
  #refusesOffer(transaction: ServerTransaction): boolean {
    if (this.#incoming) this.#core.answer(transaction, 500, { headers: [["Retry-After", this.#core.retryAfter()]] });
    else if (this.#offering) this.#core.answer(transaction, 491);
    else return false;
    return true;
  }

  #receiveBye(transaction: ServerTransaction): void {
    this.#core.answer(transaction, 200);
    const before = this.#state;
    if (before === "early") {
      this.#incoming?.cancelled(transaction.request);
      return;
    }
    this.#incoming?.reject(487);
    this.end();
    if (before === "confirmed") this.user.onBye?.(transaction.request);
  }

  #receiveUpdate(transaction: ServerTransaction): void {
    const { request } = transaction;
    const offers = request.body.length > 0;
    if (offers && this.#state === "confirmed" && this.#refusesOffer(transaction)) return;
    if (refusesTimer(this.#core, transaction)) return;
    this.#dialog.refreshTarget(request, "UPDATE");
    const update = new IncomingRequest(this.#core, transaction, (response) => {
      response.add("Contact", this.contact);
      if (this.#state === "confirmed") this.#setTimer(answerSessionTimer(request, response, this.#core));
    });
    if (!offers) update.respond(200);
    else if (this.user.onUpdate) this.user.onUpdate(update);
    else update.respond(488);
  }
}

/** Answers 422 where the session interval asked for is too brief. @see RFC 4028 §9 */
export function refusesTimer(core: Core, transaction: ServerTransaction): boolean {
  if (!isTooBrief(transaction.request, core)) return false;
  core.answer(transaction, 422, { headers: [["Min-SE", String(core.minSeMs / 1000)]] });
  return true;
}
