import type { Effect } from "../../machines/effects.ts";
import type { MachineName } from "../../machines/index.ts";
import type { TimerName } from "../../machines/policies.ts";
import { sipInstance } from "../body/feature-tags.ts";
import { formatSdp, type SessionDescription } from "../body/sdp.ts";
import { PeerIncompatible, PeerMisbehaved } from "../errors.ts";
import type { SessionUser } from "../msrp/session.ts";
import { Session, type World } from "../session.ts";
import type { Content, HeaderFields } from "../sip/content.ts";
import { reasonHeaders, warningHeaders } from "../sip/from-effect.ts";
import type { IncomingRequest } from "../sip/incoming-request.ts";
import type { OutgoingInvite } from "../sip/invite-client.ts";
import type { InviteDialog } from "../sip/invite-dialog.ts";
import type { IncomingInvite } from "../sip/invite-server.ts";
import type { SipMessage } from "../sip/message.ts";
import type { IncomingRefer } from "../sip/refer.ts";
import { bodyParts, byeReason, descriptionIn, refreshOutcome, rejection, type Description } from "../sip/to-event.ts";
import type { Arrival, ArrivedInvite, Focus } from "./focus.ts";
import { LegMedia, type MediaTemplate } from "./media.ts";

/** The effects of one dialog, which every leg's machine may ask for. */
type DialogEffect = "sendSipRequest" | "sendSipResponse" | "sendBye" | "openMedia" | "closeMedia";

/** An INVITE of ours, as the leg wants it. */
export interface LegInvitation {
  readonly requestUri: string;
  readonly identity: string;
  readonly contact: string;
  readonly headers: HeaderFields;
  readonly content: Content;
}

/** What the 200 of a leg says. */
export interface LegAcceptance {
  readonly contact: string;
  readonly headers: HeaderFields;
}

/**
 * One dialog with one device, and its MSRP session: the part that is the same for chat and for files.
 *
 * It performs what its machine asks and tells it what arrives; it decides nothing.
 */
export abstract class Leg {
  readonly session: Session<Arrival>;
  readonly focus: Focus;
  /** `+sip.instance` of the device; unknown until it has answered. */
  instance: string | undefined;
  media: LegMedia;
  protected dialog: InviteDialog | undefined;
  /** The INVITE that is not answered yet. */
  #arrived: ArrivedInvite | undefined;
  #outgoing: OutgoingInvite | undefined;
  #remote: Description | undefined;
  #reinvite: { readonly invite: IncomingInvite; readonly media?: LegMedia; readonly remote?: Description } | undefined;
  #update: IncomingRequest | undefined;
  /** Our 2xx has not had its ACK. */
  #unacknowledged = false;
  /** A refresh of ours is under way: what it settles is not the peer's. */
  #refreshing = false;
  readonly #ended: () => void;

  constructor(focus: Focus, machine: MachineName, process: string, instance: string, arrived: ArrivedInvite | undefined, ended: () => void) {
    this.focus = focus;
    this.#arrived = arrived;
    this.instance = arrived?.instance;
    this.#remote = arrived?.offer;
    this.#ended = ended;
    this.media = this.#createMedia(arrived && arrived.offer.media.protocol === "TCP/TLS/MSRP");
    this.session = new Session(focus.turns, machine, undefined, process, instance, {
      perform: (effect, arrival) => this.perform(effect, arrival),
      refuse: (refusal, arrival) => {
        if (refusal.protocol === "sip") arrival?.answer(refusal.status, refusal.warning);
      },
      lengthOf: (timer) => this.#lengthOf(timer),
      ended: () => this.#end(),
    });
  }

  /** What it says of itself in session descriptions. */
  protected abstract get template(): MediaTemplate;
  protected abstract invitation(media: LegMedia): LegInvitation;
  protected abstract acceptance(): LegAcceptance;
  protected abstract receiver(): SessionUser["receive"];
  /** The effects that are not of the dialog. */
  protected abstract report(effect: Effect, arrival: Arrival | undefined): void;
  /** The peer's 2xx, when its session description is one that we can use. */
  protected accepted(_remote: Description): void {
    this.session.tell({ type: "sip.accepted" });
  }
  /** The peer's 2xx, when it is not. */
  protected acceptedInVain(): void {
    this.session.tell({ type: "sip.accepted" });
  }
  protected refer(refer: IncomingRefer): void {
    refer.reject(403);
  }
  /** The peer has another path, and `media` is new. */
  protected moved(): void {}

  /** The peer's URI as it was named. */
  abstract get peer(): string;

  protected perform(effect: Effect, arrival: Arrival | undefined): void {
    const world = this.#world as unknown as { readonly [type: string]: ((effect: Effect) => void) | undefined };
    const perform = world[effect.type];
    if (perform) perform(effect);
    else this.report(effect, arrival);
  }

  readonly #world: World<DialogEffect, Arrival> = {
    sendSipRequest: ({ method }) => {
      if (method === "INVITE") this.#call();
      else if (method === "CANCEL") this.#outgoing?.cancel();
      else if (method === "refresh") this.#refresh();
      // The ACK of a 2xx left with it: RFC 3261 §13.2.2.4 wants it at every retransmission, which only the user agent core sees.
    },
    sendBye: ({ reason }) => {
      const answered = () => this.session.tell({ type: "sip.BYE.answered" });
      // A machine that says BYE before the ACK has waited for it, as long as noAckMs says.
      if (this.#unacknowledged) this.dialog?.giveUpAck();
      if (this.dialog) this.dialog.bye(reasonHeaders(reason), answered);
      else answered();
    },
    sendSipResponse: ({ method, status, warning }) => {
      if (method === "INVITE") this.#answerInvite(status, warningHeaders(warning, this.focus.domain));
      else if (method === "re-INVITE") this.#answerReinvite(status);
      else if (method === "UPDATE") this.#answerUpdate(status);
      // A BYE has its 200 from the user agent core, in whatever state: RFC 3261 §15.1.2.
    },
    openMedia: () => this.#open(),
    closeMedia: () => this.media.close(),
  };

  #createMedia(secure: boolean | undefined): LegMedia {
    const user: SessionUser = {
      receive: this.receiver(),
      onBound: () => this.session.tell({ type: "msrp.bound" }),
      onLost: () => {
        if (media === this.media) this.lost();
      },
    };
    const media: LegMedia = new LegMedia(this.focus.msrp, this.focus.random, user, secure);
    return media;
  }

  /** The MSRP session is gone without our doing. */
  protected lost(): void {
    this.session.tell({ type: "msrp.lost" });
  }

  #open(): void {
    try {
      if (this.#remote) this.media.open(this.#remote);
    } catch (fault) {
      if (!(fault instanceof PeerMisbehaved)) throw fault;
      this.session.tell({ type: "msrp.lost" });
    }
  }

  #call(): void {
    const { requestUri, identity, contact, headers, content } = this.invitation(this.media);
    this.#outgoing = this.focus.sip.invite(
      { requestUri, from: `<${identity}>`, contact, headers: [...headers, ...(content.headers ?? [])], contentType: content.contentType, body: content.body },
      {
        onProvisional: ({ status }) => {
          if (status > 100) this.session.tell({ type: "sip.ringing" });
        },
        onAccepted: (dialog, response) => this.#onAccepted(dialog, response),
        onRejected: ({ status }) => this.rejected(status),
      },
    );
  }

  /** The final response that refused our INVITE. */
  protected rejected(status: number): void {
    this.session.tell({ type: "sip.rejected", outcome: rejection(status) });
  }

  #onAccepted(dialog: InviteDialog, response: SipMessage): void {
    // The CANCEL waited in vain for its answer, and nobody waits for this one: RFC 3261 §13.2.2.4.
    if (this.session.over) return dialog.bye();
    this.#adopt(dialog);
    this.instance = sipInstance(response.getAll("contact"));
    try {
      const remote = descriptionIn(bodyParts(response));
      this.#remote = remote;
      this.accepted(remote);
    } catch (fault) {
      if (!(fault instanceof PeerMisbehaved)) throw fault;
      // The dialog stands without a session that we could use: it is accepted, and lost at once.
      this.acceptedInVain();
      this.session.tell({ type: "msrp.lost" });
    }
  }

  #adopt(dialog: InviteDialog): void {
    this.dialog = dialog;
    dialog.user = {
      onBye: (bye) => this.session.tell({ type: "sip.BYE", reason: byeReason(bye) }),
      onReinvite: (invite) => this.#onReinvite(invite),
      onUpdate: (update) => this.#onUpdate(update),
      onRefer: (refer) => this.refer(refer),
      onSessionTimer: () => {
        if (!this.#refreshing) this.session.tell({ type: "sip.UPDATE", offer: "acceptable" });
      },
    };
  }

  #answerInvite(status: number, warning: HeaderFields): void {
    const { invite, offer } = this.#arrived!;
    this.#arrived = undefined;
    if (status >= 300) return invite.reject(status, { headers: warning });
    const { contact, headers } = this.acceptance();
    const description = this.media.answer(offer, this.template);
    this.#unacknowledged = true;
    invite.user = { ...invite.user, onAck: () => this.#onAck() };
    this.#adopt(invite.accept({ contact, headers, ...describeAlone(description) }));
  }

  #onAck(): void {
    this.#unacknowledged = false;
    this.session.tell({ type: "sip.ACK" });
  }

  #onReinvite(invite: IncomingInvite): void {
    const arrival: Arrival = { answer: (status) => invite.reject(status) };
    this.focus.turns.arrive(arrival, () => {
      try {
        this.#reinvite = { invite, ...this.#renewed(invite) };
        this.session.tell({ type: "sip.reINVITE", offer: "acceptable" });
      } catch (fault) {
        if (!(fault instanceof PeerMisbehaved)) throw fault;
        this.#reinvite = { invite };
        this.session.tell({ type: "sip.reINVITE", offer: "unacceptable" });
      }
    });
  }

  /** A peer that moved has a new path: then our side of the session is new too. */
  #renewed(invite: IncomingInvite): { media?: LegMedia; remote?: Description } {
    const parts = bodyParts(invite.request);
    if (parts.length === 0) return {};
    const remote = descriptionIn(parts);
    if (remote.media.path.join(" ") === this.#remote?.media.path.join(" ")) return {};
    if (remote.media.protocol !== this.#remote?.media.protocol) throw new PeerIncompatible("SDP_NO_MESSAGE_MEDIA", "RFC 3261 §14.2", 488, "a session goes on with TLS or without, as it began");
    return { remote, media: this.#createMedia(remote.media.protocol === "TCP/TLS/MSRP") };
  }

  #answerReinvite(status: number): void {
    const { invite, media, remote } = this.#reinvite!;
    this.#reinvite = undefined;
    if (status >= 300) {
      media?.close();
      return invite.reject(status);
    }
    if (media === undefined || remote === undefined) return void invite.accept();
    const before = this.media;
    this.media = media;
    this.#remote = remote;
    before.close();
    invite.accept(describeAlone(media.answer(remote, this.template)));
    this.#open();
    this.moved();
  }

  #onUpdate(update: IncomingRequest): void {
    this.#update = update;
    // A Controlling Function answers an UPDATE that only refreshes; one with an offer asks for what we do not change in the middle.
    this.focus.turns.arrive({ answer: (status) => update.respond(status) }, () => this.session.tell({ type: "sip.UPDATE", offer: "unacceptable" }));
  }

  #answerUpdate(status: number): void {
    this.#update?.respond(status);
    this.#update = undefined;
  }

  #refresh(): void {
    this.#refreshing = true;
    this.dialog?.refresh(({ status }) => {
      this.#refreshing = false;
      this.session.tell({ type: "sip.refreshed", outcome: refreshOutcome(status) });
    });
  }

  /** The session timer is what was negotiated; every other delay is policy. */
  #lengthOf(timer: TimerName): number {
    const negotiated = this.dialog?.sessionTimer;
    if (timer === "sessionExpiresMs") return negotiated?.sessionExpiresMs ?? Infinity;
    if (timer === "sessionRefreshMs") return negotiated?.weRefresh ? negotiated.sessionExpiresMs / 2 : Infinity;
    return this.focus.lengthOf(timer);
  }

  #end(): void {
    this.media.close();
    this.#ended();
  }
}

const describeAlone = (description: SessionDescription): Content => ({ contentType: "application/sdp", body: formatSdp(description) });
