import { parseBody } from "../body/multipart.ts";
import type { SipMessage } from "./message.ts";

/** Header fields to add to a message, in order. */
export type HeaderFields = readonly (readonly [name: string, value: string])[];

/** What a caller puts into a message beside what this layer writes itself. */
export interface Content {
  readonly headers?: HeaderFields | undefined;
  readonly contentType?: string | undefined;
  readonly body?: Buffer | string | undefined;
}

/** Content of a response; `reason` replaces the standard reason phrase. */
export interface ResponseContent extends Content {
  readonly reason?: string | undefined;
}

/** Puts header fields, media type and body into a message. Text is sent as UTF-8. */
export function fill(message: SipMessage, { headers, contentType, body }: Content): SipMessage {
  if (headers) for (const [name, value] of headers) message.add(name, value);
  if (body === undefined || body.length === 0) return message;
  message.add("Content-Type", contentType ?? "application/octet-stream");
  message.body = typeof body === "string" ? Buffer.from(body) : body;
  return message;
}

/** The value of a From, To or Contact: a name-addr as it is, an addr-spec in angle brackets, so that its parameters stay its own. */
export function toNameAddr(address: string): string {
  return address.includes("<") ? address : `<${address}>`;
}

/** The session description that a body is or has in it: what a refresh repeats, without recipient list and the like. */
export function sessionDescription({ contentType = "", body }: Content): Content {
  if (body === undefined || !contentType.toLowerCase().startsWith("multipart/")) return { contentType, body };
  const parts = parseBody({ contentType }, Buffer.from(body as Buffer));
  const description = parts.find((part) => part.contentType.essence === "application/sdp");
  return description ? { contentType: "application/sdp", body: description.content } : {};
}
