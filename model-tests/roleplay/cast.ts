/** Who takes part in a tour: users with their sockets, and the dialogs that they are in. */
import { formatAcceptContact, formatFeature, formatInstance, formatServiceId, type Service } from "../../runtime/body/feature-tags.ts";
import { fill, type Content } from "../../runtime/sip/content.ts";
import { SipMessage } from "../../runtime/sip/message.ts";
import { createResponse } from "../../runtime/sip/serialise.ts";
import { parseNameAddr } from "../../runtime/sip/uri.ts";
import { token } from "./msrp-link.ts";
import type { SipPort } from "./sip-port.ts";
import type { Target } from "./verdict.ts";

/** One user. Its devices share a socket, and are told apart by what they say of themselves. */
export class User {
  readonly name: string;
  readonly uri: string;
  readonly port: SipPort;
  readonly #transport: Target["transport"];

  constructor(name: string, uri: string, port: SipPort, transport: Target["transport"]) {
    this.name = name;
    this.uri = uri;
    this.port = port;
    this.#transport = transport;
  }

  get via(): string {
    return this.viaBy(this.#transport);
  }

  viaBy(transport: Target["transport"]): string {
    return `SIP/2.0/${transport.toUpperCase()} ${this.port.host}:${this.port.port};branch=z9hG4bK${token()};rport`;
  }

  contact(service: Service, device: number): string {
    const parameter = this.#transport === "udp" ? "" : `;transport=${this.#transport}`;
    return `<sip:${this.name}@${this.port.host}:${this.port.port}${parameter}>;${formatFeature(service)};${formatInstance(instanceOf(this, device))}`;
  }

  /** A request that begins something. */
  request(method: string, uri: string, content: Content, callId = token(), cseq = 1): SipMessage {
    const request = SipMessage.request(method, uri)
      .add("Via", this.via)
      .add("Max-Forwards", "70")
      .add("From", `<${this.uri}>;tag=${token()}`)
      .add("To", `<${uri}>`)
      .add("Call-ID", callId)
      .add("CSeq", `${cseq} ${method}`);
    return fill(request, content);
  }

  /** The header fields of a request for a service. */
  serviceHeaders(service: Service, device: number): (readonly [string, string])[] {
    return [
      ["Contact", this.contact(service, device)],
      ["Accept-Contact", formatAcceptContact(service)],
      ["P-Preferred-Service", formatServiceId(service)],
      ["P-Preferred-Identity", `<${this.uri}>`],
    ];
  }
}

/** An IMEI of its own for every device. */
const instanceOf = ({ port }: User, device: number): string => `urn:gsma:imei:35824005-${String(port.port).padStart(6, "0")}-${device}`;

export const allowed = "INVITE, ACK, CANCEL, BYE, UPDATE, NOTIFY, MESSAGE, OPTIONS";

/** One dialog as one user knows it. @see RFC 3261 §12 */
export class Dialog {
  readonly user: User;
  readonly callId: string;
  readonly #local: string;
  readonly #remote: string;
  readonly #target: string;
  readonly #routes: readonly string[];
  #cseq: number;

  private constructor(user: User, callId: string, local: string, remote: string, target: string, routes: readonly string[], cseq: number) {
    this.user = user;
    this.callId = callId;
    this.#local = local;
    this.#remote = remote;
    this.#target = target;
    this.#routes = routes;
    this.#cseq = cseq;
  }

  /** The dialog of a request of ours, by its 2xx. */
  static called(user: User, ok: SipMessage): Dialog {
    return new Dialog(user, ok.callId, ok.get("from")!, ok.get("to")!, targetOf(ok), ok.list("record-route").reverse(), ok.cseq.seq);
  }

  /** The dialog of a request that came, under our tag. */
  static answered(user: User, request: SipMessage, tag: string): Dialog {
    return new Dialog(user, request.callId, `${request.get("to")!};tag=${tag}`, request.get("from")!, targetOf(request), request.list("record-route"), 0);
  }

  request(method: string, content: Content = {}): SipMessage {
    this.#cseq += 1;
    return this.#request(method, this.#cseq, content);
  }

  /** The ACK of a 2xx. */
  ack({ cseq }: SipMessage): SipMessage {
    return this.#request("ACK", cseq.seq, {});
  }

  #request(method: string, cseq: number, content: Content): SipMessage {
    const request = SipMessage.request(method, this.#target)
      .add("Via", this.user.via)
      .add("Max-Forwards", "70")
      .add("From", this.#local)
      .add("To", this.#remote)
      .add("Call-ID", this.callId)
      .add("CSeq", `${cseq} ${method}`);
    for (const route of this.#routes) request.add("Route", route);
    return fill(request, content);
  }
}

const targetOf = (message: SipMessage): string => parseNameAddr(message.list("contact")[0] ?? "").uri;

/** The ACK of a final response that refuses: of the INVITE's own transaction. @see RFC 3261 §17.1.1.3 */
export function ackOf(invite: SipMessage, response: SipMessage): SipMessage {
  const ack = SipMessage.request("ACK", invite.uri).add("Via", invite.get("via")!).add("Max-Forwards", "70").add("From", invite.get("from")!).add("To", response.get("to")!);
  ack.add("Call-ID", invite.callId).add("CSeq", `${invite.cseq.seq} ACK`);
  for (const route of invite.getAll("route")) ack.add("Route", route);
  return ack;
}

/** @see RFC 3261 §9.1 */
export function cancelOf(invite: SipMessage): SipMessage {
  const cancel = SipMessage.request("CANCEL", invite.uri).add("Via", invite.get("via")!).add("Max-Forwards", "70").add("From", invite.get("from")!).add("To", invite.get("to")!);
  return cancel.add("Call-ID", invite.callId).add("CSeq", `${invite.cseq.seq} CANCEL`);
}

export const answerOf = (request: SipMessage, status: number, tag: string, content: Content = {}): SipMessage => fill(createResponse(request, status, undefined, tag), content);
