import type { HeaderFields } from "./content.ts";
import type { Core } from "./core.ts";
import type { LocalCause } from "./final-response.ts";
import type { Sent } from "./outbound.ts";
import { Dialog } from "./dialog.ts";
import { InviteDialog } from "./invite-dialog.ts";
import type { SipMessage } from "./message.ts";
import type { Flow } from "./transport.ts";
import { createRequest } from "./out-of-dialog.ts";
import type { OutOfDialog } from "./out-of-dialog.ts";
import type { OutboundUser } from "./outbound.ts";
import { askSessionTimer, readMinSe } from "./session-timer.ts";

export interface Invitation extends OutOfDialog {
  /** False: no session timer is asked for. */
  readonly sessionTimer?: boolean | undefined;
}

/** What becomes of an INVITE of ours: any number of `onProvisional`, then one of the others. */
export interface OutgoingInviteUser {
  /** 101 to 199; a reliable one has had its PRACK. */
  onProvisional?(response: SipMessage): void;
  /** The first 2xx; its ACK has left. It may come after a `cancel()`: then the user decides to send BYE. Set `dialog.user` here. */
  onAccepted(dialog: InviteDialog, response: SipMessage): void;
  /** The best final response of 300 or above; `cause` says that it was made here. @see RFC 3261 §16.7 */
  onRejected(response: SipMessage, cause?: LocalCause): void;
  /** A further 2xx, of another branch, whose ACK has left: true keeps the dialog, else it gets a BYE. @see RFC 3261 §13.2.2.4 */
  onForked?(dialog: InviteDialog, response: SipMessage): boolean;
}

/** One dialog of the INVITE: each To tag that responses show is another. */
interface Branch {
  readonly dialog: InviteDialog;
  /** The RSeq of the last reliable provisional response. */
  rseq: number | undefined;
  accepted: boolean;
}

/** To tags that one INVITE may show. */
const branchesAtMost = 64;

/** An INVITE of ours. @see RFC 3261 §13.2 */
export class OutgoingInvite {
  readonly callId: string;
  readonly localTag: string;
  readonly #core: Core;
  readonly #invitation: Invitation;
  readonly #user: OutgoingInviteUser;
  readonly #branches = new Map<string, Branch>();
  #request: SipMessage;
  #sent: Sent | undefined;
  #cancel: HeaderFields | undefined;
  #done = false;

  constructor(core: Core, invitation: Invitation, user: OutgoingInviteUser) {
    this.#core = core;
    this.#invitation = invitation;
    this.#user = user;
    this.localTag = core.token();
    this.callId = invitation.callId ?? core.token();
    this.#request = this.#create(1);
  }

  /** For the endpoint: sends it. */
  send(): void {
    this.#core.counters.pendingInvites++;
    this.#transmit(this.#request);
  }

  /** Sends CANCEL as soon as a provisional response has come; nothing after a final one. @see RFC 3261 §9.1 */
  cancel(headers: HeaderFields = []): void {
    if (this.#done) return;
    this.#cancel = headers;
    this.#sent?.cancel(headers);
  }

  #create(seq: number, minSeS?: number): SipMessage {
    const request = createRequest(this.#core, "INVITE", { ...this.#invitation, callId: this.callId, cseq: seq }, this.localTag).add("Allow", this.#core.allow);
    if (this.#invitation.sessionTimer !== false) askSessionTimer(request, this.#core, undefined, minSeS);
    return request;
  }

  #transmit(request: SipMessage): void {
    const { seq } = request.cseq;
    const user: OutboundUser = {
      onResponse: (response, flow) => this.#receive(response, seq, flow),
      onTimeout: () => this.#reject(this.#core.createResponse(request, 408), "timeout"),
      onTransportError: () => this.#reject(this.#core.createResponse(request, 503), "transport"),
      onUnregistered: () => this.#reject(this.#core.createResponse(request, 480), "unregistered"),
    };
    this.#sent = this.#core.sendRequest(request, this.#invitation.destination, user);
    if (this.#cancel) this.#sent.cancel(this.#cancel);
  }

  #receive(response: SipMessage, seq: number, flow: Flow | undefined): void {
    const { status } = response;
    if (status === 100) return;
    if (status < 200) this.#provisional(response, flow);
    else if (status < 300) this.#accept(response, seq, flow);
    else if (status === 422 && seq === 1 && !this.#cancel) this.#lengthen(response);
    else this.#reject(response);
  }

  /** Asks again with the interval that the peer takes; a second 422 is final. @see RFC 4028 §7.3 */
  #lengthen(response: SipMessage): void {
    this.#endEarly();
    this.#request = this.#create(2, readMinSe(response));
    this.#transmit(this.#request);
  }

  #provisional(response: SipMessage, flow: Flow | undefined): void {
    if (this.#done) return;
    if (response.has("require", "100rel") && !this.#acknowledgeReliable(response, flow)) return;
    this.#user.onProvisional?.(response);
  }

  /** Sends the PRACK; false for a copy and for one out of order. @see RFC 3262 §4 */
  #acknowledgeReliable(response: SipMessage, flow: Flow | undefined): boolean {
    const rseq = Number(response.get("rseq"));
    const branch = this.#branchOf(response, flow);
    if (branch === undefined || !Number.isInteger(rseq)) return false;
    if (branch.rseq !== undefined && rseq !== branch.rseq + 1) return false;
    branch.rseq = rseq;
    branch.dialog.sendEarly("PRACK", [["RAck", `${rseq} ${this.#request.cseq.seq} INVITE`]], () => {});
    return true;
  }

  #branchOf(response: SipMessage, flow: Flow | undefined): Branch | undefined {
    const tag = response.to.params.get("tag") ?? "";
    const known = this.#branches.get(tag);
    if (known || this.#branches.size >= branchesAtMost) return known;
    const dialog = Dialog.ofResponse(this.#request, response, this.#request.get("contact") ?? "", this.#core.recordRoute, flow);
    const branch: Branch = { dialog: new InviteDialog(this.#core, dialog), rseq: undefined, accepted: false };
    this.#branches.set(tag, branch);
    return branch;
  }

  /** Every 2xx gets its ACK; the first one of each branch makes or confirms a dialog. @see RFC 3261 §13.2.2.4 */
  #accept(response: SipMessage, seq: number, flow: Flow | undefined): void {
    const branch = this.#branchOf(response, flow);
    if (branch === undefined) return;
    const first = !branch.accepted;
    if (first) branch.dialog.confirm(response, this.#invitation);
    branch.accepted = true;
    branch.dialog.acknowledge(seq);
    if (!first) return;
    if (!this.#done) {
      this.#finish();
      this.#user.onAccepted(branch.dialog, response);
    } else if (this.#user.onForked?.(branch.dialog, response) !== true) {
      branch.dialog.bye();
    }
  }

  #reject(response: SipMessage, cause?: LocalCause): void {
    if (this.#done) return;
    this.#finish();
    this.#user.onRejected(response, cause);
  }

  #finish(): void {
    this.#done = true;
    this.#core.counters.pendingInvites--;
    this.#endEarly();
  }

  #endEarly(): void {
    for (const [tag, { accepted, dialog }] of this.#branches) {
      if (accepted) continue;
      dialog.end();
      this.#branches.delete(tag);
    }
  }
}
