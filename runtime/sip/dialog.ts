import { PeerMisbehaved } from "../errors.ts";
import { SipMessage } from "./message.ts";
import type { RecordRoute } from "./record-route.ts";
import type { ServerTransaction } from "./transaction.ts";
import type { Flow, Target } from "./transport.ts";
import { parseNameAddr, parseUri } from "./uri.ts";

/** What lives in a dialog: a session made by INVITE, or a subscription. @see RFC 6665 §4.5.2 */
export interface DialogUsage {
  /** Takes the request if it is its own, and then answers it. */
  receive(transaction: ServerTransaction): boolean;
  /** Takes an ACK if it awaits it. */
  receiveAck?(ack: SipMessage): boolean;
}

/** Requests whose Contact replaces the remote target. @see RFC 3261 §12.2, RFC 6665 §4.4.1 */
const targetRefreshing = new Set(["INVITE", "UPDATE", "SUBSCRIBE", "NOTIFY", "REFER"]);

interface DialogState {
  readonly callId: string;
  readonly localTag: string;
  readonly remoteTag: string;
  readonly local: string;
  readonly remote: string;
  readonly remoteTarget: string;
  readonly routeSet: readonly string[];
  readonly localSeq: number;
  readonly remoteSeq: number | undefined;
  readonly contact: string;
  readonly secure: boolean;
  readonly flow: Flow | undefined;
  readonly direct?: boolean;
}

/** The state that two user agents share, and the requests that it makes. @see RFC 3261 §12 */
export class Dialog {
  readonly callId: string;
  readonly localTag: string;
  readonly remoteTag: string;
  /** The From of our requests, with the tag. */
  readonly local: string;
  /** The To of our requests, with the tag. */
  readonly remote: string;
  /** The value of our Contact. */
  contact: string;
  readonly secure: boolean;
  /** The connection that the peer came on. */
  flow: Flow | undefined;
  /** Nobody stands between: the connection is the device's own, and its Contact may be an address that only it can reach. */
  readonly #direct: boolean;
  readonly usages: DialogUsage[] = [];
  localSeq: number;
  #remoteSeq: number | undefined;
  #remoteTarget: string;
  #routeSet: readonly string[];
  /** Where requests went last; it stays while the remote target does. */
  resolved: Target | undefined;

  constructor(state: DialogState) {
    this.callId = state.callId;
    this.localTag = state.localTag;
    this.remoteTag = state.remoteTag;
    this.local = state.local;
    this.remote = state.remote;
    this.contact = state.contact;
    this.secure = state.secure;
    this.flow = state.flow;
    this.#direct = state.direct === true;
    this.localSeq = state.localSeq;
    this.#remoteSeq = state.remoteSeq;
    this.#remoteTarget = state.remoteTarget;
    this.#routeSet = state.routeSet;
  }

  /** Finds a dialog by its tags; ours alone is unguessable, the Call-ID is compared besides. */
  static key(localTag: string, remoteTag: string): string {
    return `${localTag}|${remoteTag}`;
  }

  /**
   * The dialog that our response to a request makes.
   *
   * @throws {PeerMisbehaved} SIP_MALFORMED, 400: no usable Contact.
   * @see RFC 3261 §12.1.1
   */
  static ofRequest(request: SipMessage, localTag: string, contact: string, flow: Flow | undefined, localSeq = 0): Dialog {
    const to = request.get("to") ?? "";
    return new Dialog({
      callId: request.callId,
      localTag,
      remoteTag: request.from.params.get("tag") ?? "",
      local: request.to.params.has("tag") ? to : `${to};tag=${localTag}`,
      remote: request.get("from") ?? "",
      remoteTarget: contactOf(request) ?? targetBefore3261(request) ?? noContact(),
      routeSet: request.list("record-route"),
      localSeq,
      remoteSeq: request.cseq.seq,
      contact,
      secure: flow?.transport === "tls" && request.uri.startsWith("sips:"),
      flow,
      direct: request.via.length === 1,
    });
  }

  /** The dialog that a response to our request makes. @see RFC 3261 §12.1.2 */
  static ofResponse(request: SipMessage, response: SipMessage, contact: string, recordRoute?: RecordRoute, flow?: Flow): Dialog {
    return new Dialog({
      callId: request.callId,
      localTag: request.from.params.get("tag") ?? "",
      remoteTag: response.to.params.get("tag") ?? "",
      local: request.get("from") ?? "",
      remote: response.get("to") ?? "",
      remoteTarget: contactOf(response) ?? request.uri,
      routeSet: routeSetOf(response, recordRoute),
      localSeq: request.cseq.seq,
      remoteSeq: undefined,
      contact,
      secure: request.uri.startsWith("sips:"),
      flow,
      direct: flow !== undefined,
    });
  }

  get key(): string {
    return Dialog.key(this.localTag, this.remoteTag);
  }

  get localUri(): string {
    return parseNameAddr(this.local).uri;
  }

  get remoteUri(): string {
    return parseNameAddr(this.remote).uri;
  }

  get remoteTarget(): string {
    return this.#remoteTarget;
  }

  get routeSet(): readonly string[] {
    return this.#routeSet;
  }

  /** The device's own connection, while it stands and no proxy wants to be on the way. @see RFC 5626 §5.3 */
  get peerFlow(): Flow | undefined {
    const { flow } = this;
    return this.#direct && this.#routeSet.length === 0 && flow?.reliable && !flow.closed ? flow : undefined;
  }

  /** The URI of the next hop: the first route, else the remote target. */
  get nextHop(): string {
    const [first] = this.#routeSet;
    return first === undefined ? this.#remoteTarget : parseNameAddr(first).uri;
  }

  /** A request of this dialog, its CSeq the next one unless given. @see RFC 3261 §12.2.1.1 */
  createRequest(method: string, seq = ++this.localSeq): SipMessage {
    const request = SipMessage.request(method, this.#remoteTarget)
      .add("Max-Forwards", "70")
      .add("From", this.local)
      .add("To", this.remote)
      .add("Call-ID", this.callId)
      .add("CSeq", `${seq} ${method}`);
    this.#addRoutes(request);
    return request;
  }

  #addRoutes(request: SipMessage): void {
    const [first, ...others] = this.#routeSet;
    if (first === undefined) return;
    const nextHop = parseNameAddr(first).uri;
    if (parseUri(nextHop).params.has("lr")) {
      for (const route of this.#routeSet) request.add("Route", route);
      return;
    }
    // A strict router expects its own URI in the Request-URI, and the remote target as the last route.
    request.uri = withoutHeaders(nextHop);
    for (const route of others) request.add("Route", route);
    request.add("Route", `<${this.#remoteTarget}>`);
  }

  /** Whether the request comes after all before it; it then is the last. @see RFC 3261 §12.2.2 */
  inOrder(request: SipMessage): boolean {
    const { seq } = request.cseq;
    if (this.#remoteSeq !== undefined && seq <= this.#remoteSeq) return false;
    this.#remoteSeq = seq;
    return true;
  }

  /** Takes the Contact of a target refresh request, or of a 2xx to one, as remote target. */
  refreshTarget(message: SipMessage, method: string): void {
    if (!targetRefreshing.has(method)) return;
    const target = contactOf(message);
    if (target === undefined || target === this.#remoteTarget) return;
    this.#remoteTarget = target;
    this.resolved = undefined;
  }

  /** The 2xx settles the route set that a provisional response had begun. @see RFC 3261 §13.2.2.4 */
  confirm(response: SipMessage, recordRoute?: RecordRoute): void {
    this.#routeSet = routeSetOf(response, recordRoute);
    this.resolved = undefined;
    this.refreshTarget(response, "INVITE");
  }

  /** Whether the response leaves no dialog behind. @see RFC 3261 §12.2.1.2 */
  static ends(status: number): boolean {
    return status === 481 || status === 408;
  }
}

/** What a response has recorded, from our side; we are no hop of our own. @see RFC 3261 §12.1.2 */
function routeSetOf(response: SipMessage, recordRoute: RecordRoute | undefined): readonly string[] {
  const routeSet = response.list("record-route").reverse();
  return recordRoute?.withoutUs(routeSet) ?? routeSet;
}

/** The SIP URI of the Contact, if there is one. */
function contactOf(message: SipMessage): string | undefined {
  const value = message.list("contact")[0];
  if (value === undefined || value === "*") return undefined;
  const { uri } = parseNameAddr(value);
  return /^sips?:/i.test(uri) ? withoutHeaders(uri) : undefined;
}

/** A client of RFC 2543, which no branch with the magic cookie tells, need not say its Contact: it is reached at its From. @see RFC 4475 §3.4.1 */
function targetBefore3261(request: SipMessage): string | undefined {
  const isOld = !request.via[0]?.params.get("branch")?.startsWith("z9hG4bK");
  return isOld ? request.from.uri : undefined;
}

function noContact(): never {
  throw new PeerMisbehaved("SIP_MALFORMED", "RFC 3261 §8.1.1.8", 400, "there is no Contact with a SIP URI");
}

/** A Request-URI has no headers. @see RFC 3261 §19.1.1 */
function withoutHeaders(uri: string): string {
  const question = uri.indexOf("?", uri.indexOf("@") + 1);
  return question < 0 ? uri : uri.slice(0, question);
}
