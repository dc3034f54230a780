import { fill, toNameAddr } from "./content.ts";
import type { Content } from "./content.ts";
import type { Core } from "./core.ts";
import type { Destination } from "./outbound.ts";
import { SipMessage } from "./message.ts";

/** A request that starts something: outside any dialog. */
export interface OutOfDialog extends Content {
  readonly requestUri: string;
  /** A URI or name-addr, without tag. */
  readonly from: string;
  /** A URI or name-addr, without tag; the Request-URI when left out. */
  readonly to?: string | undefined;
  /** The Contact header field's value; the endpoint's own when left out. */
  readonly contact?: string | undefined;
  readonly callId?: string | undefined;
  /** 1 unless said. */
  readonly cseq?: number | undefined;
  /** 70 unless said. */
  readonly maxForwards?: number | undefined;
  /** Overrides route, bindings and RFC 3263. */
  readonly destination?: Destination | undefined;
}

/** Methods whose requests carry a Contact. @see RFC 3261 §20, table 2; RFC 3515 §2.2; RFC 6665 §8.2 */
const withContact = new Set(["INVITE", "SUBSCRIBE", "REFER", "OPTIONS"]);

/** The request, without Via and Route, which its way puts on it. @see RFC 3261 §8.1.1 */
export function createRequest(core: Core, method: string, asked: OutOfDialog, localTag = core.token()): SipMessage {
  const request = SipMessage.request(method, asked.requestUri)
    .add("Max-Forwards", String(asked.maxForwards ?? 70))
    .add("From", `${toNameAddr(asked.from)};tag=${localTag}`)
    .add("To", toNameAddr(asked.to ?? asked.requestUri))
    .add("Call-ID", asked.callId ?? core.token())
    .add("CSeq", `${asked.cseq ?? 1} ${method}`);
  if (asked.contact !== undefined) request.add("Contact", toNameAddr(asked.contact));
  else if (withContact.has(method)) request.add("Contact", core.contact());
  return fill(request.add("Supported", core.supported), asked);
}
