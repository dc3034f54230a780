import { STATUS_CODES, type ServerResponse } from "node:http";
import type { Refusal } from "./door.ts";

/** What a route answers. */
export interface Answer {
  readonly status: number;
  readonly type: string;
  readonly body: string | Buffer;
  readonly headers?: Readonly<Record<string, string>>;
}

/** JSON in which no `<` stands, so that it is nothing else even where somebody reads it as a page. */
export const toJson = (value: unknown): string => JSON.stringify(value).replaceAll("<", "\\u003c");

export const json = (value: unknown, status = 200): Answer => ({ status, type: "application/json", body: toJson(value) });

/** @see RFC 9457 */
export const problem = ({ status, detail, headers }: Refusal): Answer => ({
  status,
  type: "application/problem+json",
  body: toJson({ title: STATUS_CODES[status] ?? "Error", status, detail }),
  ...(headers && { headers }),
});

/** A page loads files of ours and nothing else, its style sheet has its fonts in itself, and it makes markup of pictures alone; a picture that is opened by itself has its own style; data are no page at all. */
const pagePolicy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types picture";
const picturePolicy = "default-src 'none'; style-src 'unsafe-inline'; font-src data:; sandbox; frame-ancestors 'none'";
const dataPolicy = "default-src 'none'; frame-ancestors 'none'";
const policies: Readonly<Record<string, string>> = { "text/html": pagePolicy, "image/svg+xml": picturePolicy };

/** On everything that leaves. Nobody's script but our own pages' reads it: there is no CORS. */
export const safeHeaders = (type: string): Readonly<Record<string, string>> => ({
  "content-type": type,
  "content-security-policy": policies[type.split(";", 1)[0]!] ?? dataPolicy,
  "x-content-type-options": "nosniff",
  "cross-origin-resource-policy": "same-origin",
  "cross-origin-opener-policy": "same-origin",
  "referrer-policy": "no-referrer",
  "cache-control": "no-store",
});

export function send(response: ServerResponse, { status, type, body, headers = {} }: Answer): void {
  response.writeHead(status, { ...safeHeaders(type), "content-length": Buffer.byteLength(body), ...headers });
  response.end(body);
}
