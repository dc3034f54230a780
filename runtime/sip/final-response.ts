import type { Core } from "./core.ts";
import type { SipMessage } from "./message.ts";
import type { ClientUser } from "./transaction.ts";

/** Why a final response was made here instead of received. */
export type LocalCause = "timeout" | "transport" | "unregistered";

/**
 * Receives the final response to a request, once. `cause` says that nobody sent
 * it: 408 for a timeout, 503 for a transport error, 480 for an
 * address-of-record of ours without a binding.
 *
 * @see RFC 3261 §8.1.3.1
 */
export type OnResponse = (response: SipMessage, cause?: LocalCause) => void;

/** A client user that hears the final response only, once, one made here included. @see RFC 3261 §8.1.3.1 */
export function finalResponse(core: Core, request: SipMessage, onResponse: OnResponse): ClientUser {
  let done = false;
  const end: OnResponse = (response, cause) => {
    if (done) return;
    done = true;
    onResponse(response, cause);
  };
  return {
    onResponse: (response) => {
      if (response.status >= 200) end(response);
    },
    onTimeout: () => end(core.createResponse(request, 408), "timeout"),
    onTransportError: () => end(core.createResponse(request, 503), "transport"),
  };
}
