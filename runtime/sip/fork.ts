import type { HeaderFields } from "./content.ts";
import type { Sent } from "./outbound.ts";
import type { SipMessage } from "./message.ts";
import type { ClientUser } from "./transaction.ts";
import type { Flow } from "./transport.ts";

/** Starts one branch. */
export type StartBranch = (user: ClientUser) => Sent;

/** How one branch ended without a 2xx. */
interface Outcome {
  readonly status: number;
  tell(user: ClientUser): void;
}

/** Responses within the 4xx class that help the caller most, best first. @see RFC 3261 §16.7, step 6 */
const helpful = [401, 407, 415, 420, 484];

/** So that the other devices do not show a call that was missed. @see RFC 3326 §3.1 */
const elsewhere: HeaderFields = [["Reason", 'SIP;cause=200;text="Call completed elsewhere"']];

/**
 * One request sent to several places in parallel. Its user hears every
 * provisional response and every 2xx to INVITE, and otherwise the best final
 * response once all have come. The first 2xx or 6xx cancels the others.
 *
 * @see RFC 3261 §16.6, §16.7
 */
export class Fork implements Sent {
  readonly #user: ClientUser;
  readonly #invite: boolean;
  readonly #branches: (Sent | undefined)[] = [];
  #pending: number;
  #best: Outcome | undefined;
  #succeeded = false;

  constructor(request: SipMessage, branches: readonly StartBranch[], user: ClientUser) {
    this.#user = user;
    this.#invite = request.method === "INVITE";
    this.#pending = branches.length;
    for (const [at, start] of branches.entries()) this.#branches[at] = start(this.#branchUser(at));
  }

  cancel(headers: HeaderFields = []): void {
    for (const branch of this.#branches) branch?.cancel(headers);
  }

  #branchUser(at: number): ClientUser {
    return {
      onResponse: (response, flow) => this.#receive(at, response, flow),
      onTimeout: () => this.#end(at, { status: 408, tell: (user) => user.onTimeout() }),
      onTransportError: (error) => this.#end(at, { status: 503, tell: (user) => user.onTransportError(error) }),
    };
  }

  #receive(at: number, response: SipMessage, flow: Flow | undefined): void {
    const { status } = response;
    if (status < 200) {
      if (!this.#succeeded) this.#user.onResponse(response, flow);
    } else if (status < 300) {
      this.#succeed(at, response, flow);
    } else {
      if (status >= 600) this.#cancelOthers(at);
      this.#end(at, { status, tell: (user) => user.onResponse(response) });
    }
  }

  #succeed(at: number, response: SipMessage, flow: Flow | undefined): void {
    const first = !this.#succeeded;
    this.#succeeded = true;
    this.#branches[at] = undefined;
    if (first && this.#invite) this.#cancelOthers(at, elsewhere);
    if (first || this.#invite) this.#user.onResponse(response, flow);
  }

  #cancelOthers(at: number, headers: HeaderFields = []): void {
    for (const [other, branch] of this.#branches.entries()) if (other !== at) branch?.cancel(headers);
  }

  #end(at: number, outcome: Outcome): void {
    this.#branches[at] = undefined;
    this.#pending--;
    if (this.#best === undefined || rank(outcome.status) < rank(this.#best.status)) this.#best = outcome;
    if (this.#pending === 0 && !this.#succeeded) this.#best.tell(this.#user);
  }
}

/** The lower, the better: 6xx, then the lowest class, and within it what helps the caller. */
function rank(status: number): number {
  if (status >= 600) return 0;
  const place = helpful.indexOf(status);
  const within = place >= 0 ? place : status === 408 || status === 503 ? 99 : 50;
  return Math.floor(status / 100) * 100 + within;
}
