import { PeerMisbehaved } from "../errors.ts";
import type { HeaderFields } from "./content.ts";
import type { Dialog } from "./dialog.ts";
import { Fork } from "./fork.ts";
import { SipMessage } from "./message.ts";
import type { RecordRoute } from "./record-route.ts";
import type { Binding } from "./registrar.ts";
import type { Resolver } from "./resolver.ts";
import { createResponse } from "./serialise.ts";
import type { ClientTransaction, ClientUser, TransactionLayer } from "./transaction.ts";
import type { Flow, Target } from "./transport.ts";
import { parseNameAddr, parseUri } from "./uri.ts";
import type { Uri } from "./uri.ts";

/** Where a request goes, when the caller knows better than RFC 3263. */
export type Destination = Target | Flow;

/** A request that has been sent, to one target or to several in parallel. */
export interface Sent {
  /** Cancels every branch that has no final response. @see RFC 3261 §9.1 */
  cancel(headers?: HeaderFields): void;
}

/** Who sent a request outside a dialog. */
export interface OutboundUser extends ClientUser {
  /** The Request-URI is an address-of-record of ours that has no binding: nothing was sent. @see RFC 3261 §16.5 */
  onUnregistered(): void;
}

export interface OutboundOptions {
  readonly transactions: TransactionLayer;
  readonly resolver: Resolver;
  readonly recordRoute: RecordRoute | undefined;
  /** The outbound proxy's URI. */
  readonly route: string | undefined;
  /** The bindings of an address-of-record of ours; undefined for any other URI. */
  bindings(uri: Uri): readonly Binding[] | undefined;
}

/** Where requests go: a proxy, the bindings of our own users, or what RFC 3263 finds. @see RFC 3261 §8.1.2 */
export class Outbound {
  readonly #options: OutboundOptions;

  constructor(options: OutboundOptions) {
    this.#options = options;
  }

  /** Sends a request outside a dialog. One whose Request-URI is no URI never leaves: a transport error. */
  send(request: SipMessage, destination: Destination | undefined, user: OutboundUser): Sent {
    const uri = readUri(request.uri);
    if (uri === undefined) return this.#attempt(request, user, Promise.reject(new Error("the Request-URI is no URI")));
    if (destination) return this.#attempt(request, user, [destination]);
    if (this.#options.route !== undefined) request.prepend("Route", `<${this.#options.route}>`);
    const route = request.list("route")[0];
    if (route !== undefined) return this.#attempt(request, user, parseNameAddr(route).uri);
    const bindings = this.#options.bindings(uri);
    return bindings === undefined ? this.#attempt(request, user, request.uri) : this.#toBindings(request, bindings, user);
  }

  #toBindings(request: SipMessage, bindings: readonly Binding[], user: OutboundUser): Sent {
    const [only, second] = bindings;
    if (only === undefined) {
      queueMicrotask(() => user.onUnregistered());
      return { cancel() {} };
    }
    if (second === undefined) return this.#toBinding(request, only, user);
    const branches = bindings.map((binding) => (branchUser: ClientUser) => this.#toBinding(request, binding, branchUser));
    return new Fork(request, branches, user);
  }

  #toBinding(request: SipMessage, { uri, path, flow, outbound }: Binding, user: ClientUser): Sent {
    const branch = copy(request);
    branch.uri = uri;
    for (const route of path) branch.add("Route", route);
    const [first] = path;
    if (first !== undefined) return this.#attempt(branch, user, parseNameAddr(first).uri);
    const direct: ClientUser = {
      onResponse: (response) => user.onResponse(response, flow),
      onTimeout: () => user.onTimeout(),
      onTransportError: (error) => user.onTransportError(error),
    };
    // RFC 5626 §5.3: a registered flow is the only way; without outbound it is the better one while it lasts.
    if (outbound) return this.#attempt(branch, direct, [flow]);
    return flow.reliable && !flow.closed ? this.#attempt(branch, direct, [flow]) : this.#attempt(branch, user, uri);
  }

  /** Sends a request inside a dialog to its next hop, on the peer's own connection where that leads there. */
  sendInDialog(dialog: Dialog, request: SipMessage, user: ClientUser): Sent {
    return this.#attempt(request, user, this.#knownHop(dialog, request) ?? this.#resolveFor(dialog));
  }

  sendAck(dialog: Dialog, ack: SipMessage): void {
    const known = this.#knownHop(dialog, ack);
    if (known?.[0]) return this.#options.transactions.sendAck(ack, known[0]);
    const lost = () => {};
    this.#resolveFor(dialog).then(([target]) => target && this.#options.transactions.sendAck(ack, target), lost);
  }

  #knownHop(dialog: Dialog, request: SipMessage): readonly Destination[] | undefined {
    if (dialog.peerFlow !== undefined) return [dialog.peerFlow];
    const { resolved, flow } = dialog;
    if (resolved === undefined) return undefined;
    return [flow !== undefined && leadsTo(flow, resolved, request) ? flow : resolved];
  }

  async #resolveFor(dialog: Dialog): Promise<readonly Destination[]> {
    const targets = await this.#resolve(dialog.nextHop);
    dialog.resolved = targets[0];
    return dialog.flow !== undefined && targets[0] !== undefined && dialog.flow.reliable && leadsTo(dialog.flow, targets[0]) ? [dialog.flow, ...targets] : targets;
  }

  async #resolve(uri: string): Promise<readonly Target[]> {
    return this.#options.resolver.resolve(parseUri(uri));
  }

  #attempt(request: SipMessage, user: ClientUser, to: string | readonly Destination[] | Promise<readonly Destination[]>): Sent {
    const attempt = new Attempt(this.#options, request, user);
    if (typeof to === "string") to = this.#resolve(to);
    if (to instanceof Promise) to.then((targets) => attempt.start(targets), (error: Error) => attempt.fail(error));
    else attempt.start(to);
    return attempt;
  }
}

/** Whether the flow is the peer's way to the target: a connection to its host, or the same UDP address for a request that surely fits. */
function leadsTo(flow: Flow, target: Target, request?: SipMessage): boolean {
  if (flow.closed || flow.transport !== target.transport || flow.remote.host !== target.host) return false;
  return flow.reliable || (flow.remote.port === target.port && request?.body.length === 0);
}

function readUri(text: string): Uri | undefined {
  try {
    return parseUri(text);
  } catch (fault) {
    if (fault instanceof PeerMisbehaved) return undefined;
    throw fault;
  }
}

function copy(request: SipMessage): SipMessage {
  const twin = new SipMessage([...request.fields]);
  twin.method = request.method;
  twin.uri = request.uri;
  twin.body = request.body;
  return twin;
}

/** One request to one place that may have several targets: the next is tried when one fails. @see RFC 3263 §4.3 */
class Attempt implements Sent {
  readonly #transactions: TransactionLayer;
  readonly #recordRoute: RecordRoute | undefined;
  readonly #request: SipMessage;
  readonly #user: ClientUser;
  #transaction: ClientTransaction | undefined;
  #cancelled: HeaderFields | undefined;

  constructor({ transactions, recordRoute }: OutboundOptions, request: SipMessage, user: ClientUser) {
    this.#transactions = transactions;
    this.#recordRoute = recordRoute;
    this.#request = request;
    this.#user = user;
  }

  cancel(headers: HeaderFields = []): void {
    this.#cancelled = headers;
    this.#transaction?.cancel(headers);
  }

  start(targets: readonly Destination[]): void {
    const [target, ...others] = targets;
    if (target === undefined) return this.fail(new Error("no target"));
    // Cancelled before it left: nobody has to be told but the user.
    if (this.#cancelled) return this.#user.onResponse(createResponse(this.#request, 487));
    const user = others.length === 0 ? this.#user : this.#failingOver(others);
    const request = others.length === 0 ? this.#request : copy(this.#request);
    this.#recordRoute?.onRequest(request, "sentBy" in target ? target : target.transport);
    this.#transaction = this.#transactions.request(request, target, user);
  }

  fail(error: Error): void {
    this.#user.onTransportError(error);
  }

  #failingOver(others: readonly Destination[]): ClientUser {
    let done = false;
    const next = (): void => {
      done = true;
      this.start(others);
    };
    return {
      onResponse: (response) => {
        if (response.status === 503 && !done) next();
        else if (response.status >= 200) done = true;
        if (response.status !== 503) this.#user.onResponse(response);
      },
      onTimeout: next,
      onTransportError: (error) => (done ? this.fail(error) : next()),
    };
  }
}
