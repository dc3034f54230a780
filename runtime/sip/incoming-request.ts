import type { ResponseContent } from "./content.ts";
import type { Core } from "./core.ts";
import type { SipMessage } from "./message.ts";
import type { ServerTransaction } from "./transaction.ts";
import type { Flow } from "./transport.ts";

/** A request other than INVITE that awaits its final response. */
export class IncomingRequest {
  readonly request: SipMessage;
  readonly method: string;
  readonly flow: Flow;
  readonly #core: Core;
  readonly #transaction: ServerTransaction;
  readonly #complete: ((response: SipMessage) => void) | undefined;

  /** `complete` adds to a 2xx what the dialog owes it. */
  constructor(core: Core, transaction: ServerTransaction, complete?: (response: SipMessage) => void) {
    this.request = transaction.request;
    this.method = transaction.method;
    this.flow = transaction.flow;
    this.#core = core;
    this.#transaction = transaction;
    this.#complete = complete;
  }

  /** Sends a response; nothing after the final one. */
  respond(status: number, content?: ResponseContent): void {
    if (this.#transaction.finalSent) return;
    const response = this.#core.createResponse(this.request, status, content, this.#transaction.toTag);
    if (status >= 200 && status < 300) this.#complete?.(response);
    this.#transaction.respond(response);
  }
}
