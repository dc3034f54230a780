import { escapeOctets, safeValue, uriOctets } from "./grammar.ts";
import { SipMessage } from "./message.ts";
import type { HeaderField } from "./message.ts";

/**
 * The octets of a message. Content-Length is always written, last, whatever the message says.
 *
 * @see RFC 3261 §7
 */
export function serialise(message: SipMessage): Buffer {
  const { body } = message;
  let head = startLine(message) + "\r\n";
  for (const { name, key, value } of message.fields) if (key !== "content-length") head += name + ": " + value + "\r\n";
  head += "Content-Length: " + body.length + "\r\n\r\n";
  const octets = Buffer.allocUnsafe(head.length + body.length);
  octets.write(head, "latin1");
  octets.set(body, head.length);
  return octets;
}

/** Whatever method, URI and reason are, the start line is one line of three parts. */
function startLine({ status, reason, method, uri }: SipMessage): string {
  if (status !== 0) return `SIP/2.0 ${status} ${safeValue(reason)}`;
  return `${escapeOctets(method, uriOctets)} ${escapeOctets(uri, uriOctets)} SIP/2.0`;
}

/**
 * The response to a request: Via, From, To, Call-ID and CSeq are the request's, To with our tag if it has none yet.
 *
 * @see RFC 3261 §8.2.6
 */
export function createResponse(request: SipMessage, status: number, reason?: string, toTag?: string): SipMessage {
  const response = SipMessage.response(status, reason);
  for (const field of request.fields) {
    if (!isCopied(field, status)) continue;
    const isOurs = field.key === "to" && toTag !== undefined && status > 100;
    response.add(field.name, isOurs ? withTag(request, field, toTag) : field.value);
  }
  return response;
}

/** Record-Route makes the route set of the dialog that the response creates. @see RFC 3261 §12.1.1 */
function isCopied({ key }: HeaderField, status: number): boolean {
  switch (key) {
    case "via":
    case "from":
    case "to":
    case "call-id":
    case "cseq":
      return true;
    case "record-route":
      return status > 100 && status < 300;
    case "timestamp":
      return status === 100;
    default:
      return false;
  }
}

const withTag = (request: SipMessage, to: HeaderField, tag: string): string =>
  request.to.params.has("tag") ? to.value : `${to.value};tag=${tag}`;
