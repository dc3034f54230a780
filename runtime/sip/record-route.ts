import type { SipMessage } from "./message.ts";
import type { Flow, TransportName } from "./transport.ts";

/**
 * The home proxy that stands in one process with the registrar: it keeps itself on the way of every dialog that begins here.
 *
 * Without it, requests to a Contact of our domain would need a DNS that leads to us, and a client that speaks TCP alone would be
 * sent to UDP.
 *
 * @see RFC 3261 §16.6, §16.7
 */
export class RecordRoute {
  readonly #uri: (via: Flow | TransportName) => string;
  readonly #ours: () => ReadonlySet<string>;

  /** `uri`: where a listener is reached; `listening`: the transports that there are. */
  constructor(uri: (via: Flow | TransportName) => string, listening: () => readonly TransportName[]) {
    this.#uri = uri;
    let known: ReadonlySet<string> | undefined;
    this.#ours = () => (known ??= new Set(listening().map((transport) => this.#value(transport))));
  }

  /** On a response that makes a dialog: above what the request has recorded, being the last proxy that it passed. */
  onResponse(request: SipMessage, response: SipMessage, flow: Flow): void {
    if (response.status > 100 && response.status < 300 && makesDialog(request)) response.prepend("Record-Route", this.#value(flow));
  }

  /** On a request that makes a dialog: the first proxy that it passes. */
  onRequest(request: SipMessage, via: Flow | TransportName): void {
    if (makesDialog(request)) request.set("Record-Route", this.#value(via));
  }

  /** The route set without ourselves at its head. */
  withoutUs(routeSet: readonly string[]): readonly string[] {
    const [first, ...others] = routeSet;
    return first !== undefined && this.#ours().has(first) ? others : routeSet;
  }

  #value(via: Flow | TransportName): string {
    return `<${this.#uri(via)};lr>`;
  }
}

/** A NOTIFY may be the first that a subscriber hears of its dialog. @see RFC 6665 §4.4.1 */
function makesDialog(request: SipMessage): boolean {
  return request.method === "NOTIFY" || (["INVITE", "SUBSCRIBE", "REFER"].includes(request.method) && !request.to.params.has("tag"));
}
