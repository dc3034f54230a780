import { parseBody, createPart, formatMultipart, multipartType } from "../body/multipart.ts";
import type { BodyPart } from "../body/multipart.ts";
import type { Service } from "../body/feature-tags.ts";
import { answerDirection, answerTo, formatSdp, messageMedia, parseSdp } from "../body/sdp.ts";
import type { FileDescription, MessageMedia, SessionDescription, Setup } from "../body/sdp.ts";
import { PeerMisbehaved } from "../errors.ts";
import type { ChunkReceiver, Loss, MessageReceiver, MsrpSession } from "../msrp/session.ts";
import type { HeaderFields, ResponseContent } from "../sip/content.ts";
import type { LocalCause, OnResponse } from "../sip/final-response.ts";
import type { OutgoingInvite } from "../sip/invite-client.ts";
import type { InviteDialog } from "../sip/invite-dialog.ts";
import type { IncomingInvite } from "../sip/invite-server.ts";
import type { SipMessage } from "../sip/message.ts";
import type { Device } from "./device.ts";
import { SessionRefresh } from "./session-refresh.ts";
import { Eventual } from "./waiting.ts";

/** What our half of the session description says, beside address and path. */
export interface Terms {
  readonly acceptTypes: readonly string[];
  /** Left out, there is no such attribute. */
  readonly acceptWrappedTypes?: readonly string[] | undefined;
  readonly direction?: MessageMedia["direction"] | undefined;
  /** An offer is `active` unless said; an answer is whatever the offer leaves, active where it can be. */
  readonly setup?: Setup | undefined;
  readonly maxSize?: number | undefined;
  readonly chatroom?: readonly string[] | undefined;
  readonly file?: FileDescription | undefined;
  /** The last word on the media line, for scripts that mean to break a rule. */
  readonly change?: ((media: MessageMedia) => MessageMedia) | undefined;
}

/** An INVITE of ours. */
export interface Call {
  readonly service: Service;
  readonly addressee: "user" | "group";
  readonly requestUri: string;
  readonly callId: string;
  readonly headers: HeaderFields;
  readonly terms: Terms;
  /** Body parts after the session description. */
  readonly parts?: readonly BodyPart[] | undefined;
  /** For the ladder. */
  readonly about: string;
}

/** The final response to an INVITE of ours. */
export interface Answer {
  readonly status: number;
  readonly reason: string;
  /** The value of Warning, e.g. `399 cf.example "122 Function not allowed"`. */
  readonly warning: string | undefined;
  readonly response: SipMessage;
  /** Nobody sent it: it was made here. */
  readonly cause: LocalCause | undefined;
}

/** How a leg ended: by BYE, ours or the peer's, or with no word at all. */
export interface LegEnd {
  readonly by: "us" | "peer" | "nobody";
  /** The value of Reason. */
  readonly reason: string | undefined;
}

/** One dialog and the MSRP session in it. */
export class Leg {
  readonly answered: Eventual<Answer>;
  /** A connection speaks for the MSRP session. */
  readonly bound: Eventual<true>;
  /** The MSRP session broke. The dialog lives on until somebody says BYE. */
  readonly lost: Eventual<Loss>;
  readonly ended: Eventual<LegEnd>;
  readonly session: MsrpSession;
  readonly #device: Device;
  #invite: OutgoingInvite | undefined;
  #cancelled = false;
  #dialog: InviteDialog | undefined;
  #refresh: SessionRefresh | undefined;
  #remote: MessageMedia | undefined;

  /** `about` names the leg where it is waited for. */
  constructor(device: Device, about: string, receive: MessageReceiver | ChunkReceiver) {
    const of = `${device.name}'s ${about}`;
    this.#device = device;
    this.answered = new Eventual(`the answer to ${of}`, device.clock);
    this.bound = new Eventual(`the MSRP session of ${of}`, device.clock);
    this.lost = new Eventual(`the loss of the MSRP session of ${of}`, device.clock);
    this.ended = new Eventual(`the end of ${of}`, device.clock);
    this.session = device.msrp.createSession({
      receive,
      onBound: () => this.bound.settle(true),
      onLost: (reason) => this.lost.settle(reason),
    });
  }

  /** Undefined until the INVITE was accepted. */
  get dialog(): InviteDialog | undefined {
    return this.#dialog;
  }

  /** The peer's half of the session description. */
  get remote(): MessageMedia | undefined {
    return this.#remote;
  }

  /** Sends the INVITE. */
  call({ service, addressee, requestUri, callId, headers, terms, parts = [], about }: Call): void {
    const { sip, uri, server } = this.#device;
    const offer = createPart({ contentType: "application/sdp" }, formatSdp(this.#offer(terms)));
    const invitation = {
      requestUri,
      callId,
      from: uri,
      contact: this.#device.contact(service),
      headers: [...this.#device.serviceHeaders(service, addressee), ...headers],
      destination: server,
      ...bodyOf([offer, ...parts], this.#device.random(96)),
    };
    this.#tell("sent", `INVITE ${about}`);
    this.#invite = sip.invite(invitation, {
      onProvisional: (response) => this.#tell("received", lineOf(response)),
      onAccepted: (dialog, response) => this.#accepted(dialog, response),
      onRejected: (response, cause) => this.#rejected(response, cause),
    });
  }

  /** Gives the INVITE up before its final response. */
  cancel(): void {
    if (this.answered.value) return;
    this.#cancelled = true;
    this.#tell("sent", "CANCEL");
    this.#invite?.cancel();
  }

  #accepted(dialog: InviteDialog, response: SipMessage): void {
    this.#tell("received", lineOf(response));
    this.#tell("sent", "ACK");
    this.#follow(dialog);
    if (this.#cancelled) this.bye();
    else this.#connect(response, (media) => media.setup ?? "passive");
    this.answered.settle(answerOf(response, undefined));
  }

  #rejected(response: SipMessage, cause: LocalCause | undefined): void {
    if (cause === undefined) {
      this.#tell("received", lineOf(response));
      this.#tell("sent", "ACK");
    }
    this.session.close();
    this.answered.settle(answerOf(response, cause));
    this.ended.settle({ by: "peer", reason: undefined });
  }

  /** Accepts an INVITE of the peer; the MSRP session is bound after its ACK. */
  accept(invite: IncomingInvite, service: Service, offer: SessionDescription, terms: Terms, headers: HeaderFields): void {
    const offered = messageMedia(offer);
    const setup = terms.setup ?? setupAgainst(offered.setup);
    const direction = terms.direction ?? answerDirection(offered.direction);
    const answer = answerTo(offer, this.#ownAddress(), this.#media({ ...terms, setup, direction }));
    invite.user = {
      onAck: () => {
        this.#tell("received", "ACK");
        this.#bind(offered, setup === "active" ? "passive" : "active");
      },
      onNoAck: () => this.bye(),
    };
    this.#tell("sent", "200 OK (INVITE)");
    this.#follow(invite.accept({ contact: this.#device.contact(service), headers, contentType: "application/sdp", body: formatSdp(answer) }));
  }

  #follow(dialog: InviteDialog): void {
    this.#dialog = dialog;
    const refresh = new SessionRefresh(this.#device.clock, dialog, () => this.bye('SIP;cause=408;text="Session timer expired"'));
    this.#refresh = refresh;
    dialog.user = {
      onBye: (bye) => {
        const reason = bye.get("reason");
        this.#tell("received", `BYE${reason === undefined ? "" : ` (${reason})`}`);
        this.#end({ by: "peer", reason });
      },
      onGone: () => this.#end({ by: "nobody", reason: undefined }),
      onSessionTimer: (timer) => refresh.restart(timer),
    };
  }

  /** An answer that we cannot use ends the call. @see RFC 3261 §13.2.2.4 */
  #connect(response: SipMessage, setupOf: (media: MessageMedia) => Setup): void {
    try {
      const media = messageMedia(parseSdp(sdpOf(response)));
      this.#bind(media, setupOf(media));
    } catch (fault) {
      if (!(fault instanceof PeerMisbehaved)) throw fault;
      this.bye('SIP;cause=488;text="Not Acceptable Here"');
    }
  }

  #bind(media: MessageMedia, setup: Setup): void {
    this.#remote = media;
    const [fingerprint] = media.fingerprints ?? [];
    this.session.setRemote({
      path: media.path.join(" "),
      setup: setup === "holdconn" ? "actpass" : setup,
      ...(fingerprint && { fingerprint: `${fingerprint.hash} ${fingerprint.value}` }),
    });
  }

  /** Ends the dialog. @returns the status of the answer to the BYE; 481 where there is no dialog to end */
  bye(reason?: string): Eventual<number> {
    const dialog = this.#dialog;
    const answer = new Eventual<number>(`the answer to ${this.#device.name}'s BYE`, this.#device.clock);
    if (dialog === undefined || this.ended.value) {
      answer.settle(481);
      return answer;
    }
    this.#tell("sent", `BYE${reason === undefined ? "" : ` (${reason})`}`);
    dialog.bye(reason === undefined ? [] : [["Reason", reason]], (response) => {
      this.#tell("received", lineOf(response));
      answer.settle(response.status);
    });
    this.#end({ by: "us", reason });
    return answer;
  }

  /** Cuts the MSRP connection, as a bearer that is gone: no BYE, no word. */
  cut(): void {
    this.session.connection?.close("closed");
  }

  /** Sends a request inside the dialog. */
  request(method: string, about: string, content: ResponseContent, onResponse: OnResponse): void {
    if (this.#dialog === undefined) throw new Error(`${this.#device.name} has no dialog for a ${method}`);
    this.#tell("sent", `${method} ${about}`);
    this.#dialog.request(method, content, (response, cause) => {
      this.#tell("received", lineOf(response));
      onResponse(response, cause);
    });
  }

  /** Forgets everything without a word to the peer. */
  abandon(): void {
    this.#end({ by: "nobody", reason: undefined });
  }

  #end(end: LegEnd): void {
    this.#refresh?.stop();
    this.session.close();
    this.ended.settle(end);
  }

  #tell(direction: "sent" | "received", text: string): void {
    this.#device.tell(direction, "SIP", text);
  }

  #offer(terms: Terms): SessionDescription {
    return { ...this.#ownAddress(), subject: "-", media: [this.#media({ setup: "active", ...terms })] };
  }

  #ownAddress(): Pick<SessionDescription, "origin" | "connection"> {
    const { host } = this.session.localUri;
    const id = String(Math.floor(this.#device.clock.wall() / 1000) + ntpEpochS);
    return { origin: { username: "-", sessionId: id, sessionVersion: id, host }, connection: host };
  }

  #media({ acceptTypes, acceptWrappedTypes, direction = "sendrecv", setup, maxSize, chatroom, file, change = (media) => media }: Terms): MessageMedia {
    const { localUri, localPath } = this.session;
    const secure = localUri.scheme === "msrps";
    const [hash, value] = this.#device.msrp.fingerprint?.split(" ") ?? [];
    return change({
      kind: "message",
      port: localUri.port ?? 0,
      protocol: secure ? "TCP/TLS/MSRP" : "TCP/MSRP",
      path: [localPath],
      setup,
      direction,
      acceptTypes,
      acceptWrappedTypes,
      maxSize,
      chatroom,
      file,
      fingerprints: secure && hash !== undefined && value !== undefined ? [{ hash, value }] : [],
    });
  }
}

/** Seconds from 1900 to 1970: the numbers of an o= line are customarily NTP timestamps. @see RFC 4566 §5.2 */
const ntpEpochS = 2_208_988_800;

/** Our part, which is active wherever the offer lets us: a phone is behind a NAT. @see RFC 6135 §4.2 */
function setupAgainst(offered: Setup | undefined): Setup | undefined {
  if (offered === undefined || offered === "holdconn") return offered;
  return offered === "active" ? "passive" : "active";
}

/** One part is the body; several are a multipart. */
export function bodyOf(parts: readonly BodyPart[], boundary: string): { contentType: string; body: Buffer } {
  const [only, second] = parts;
  if (only !== undefined && second === undefined) return { contentType: only.contentType.essence, body: only.content };
  return { contentType: multipartType(boundary), body: formatMultipart(parts, boundary) };
}

/** The body parts of a message; none where it has no body. @throws {PeerMisbehaved} MULTIPART_MALFORMED, 400 */
export function partsOf(message: SipMessage): BodyPart[] {
  if (message.body.length === 0) return [];
  return parseBody({ contentType: message.get("content-type") ?? "", disposition: message.get("content-disposition") }, message.body);
}

/** The session description in a message, empty where it has none. */
export function sdpOf(message: SipMessage): Buffer {
  return partsOf(message).find(({ contentType }) => contentType.essence === "application/sdp")?.content ?? Buffer.alloc(0);
}

function answerOf(response: SipMessage, cause: LocalCause | undefined): Answer {
  return { status: response.status, reason: response.reason, warning: response.get("warning"), response, cause };
}

/** A response in one line: status, Warning, and what it answers. */
export function lineOf(response: SipMessage): string {
  const warning = response.get("warning");
  const said = warning === undefined ? "" : ` ${warning.slice(Math.max(warning.indexOf('"'), 0))}`;
  return `${response.status} ${response.reason}${said} (${response.cseq.method})`;
}
