/** Who may come in: every request passes here before anything looks at what it asks. */
import { createHash, timingSafeEqual } from "node:crypto";
import type { IncomingMessage } from "node:http";
import { isIP } from "node:net";

/** Why a request goes no further. */
export interface Refusal {
  readonly status: number;
  readonly detail: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** The most that the body of a request may have; none has a meaning. */
const bodyOctetsAtMost = 1024;

/** Whether the host that the client named can be meant: a page that had its own name resolved to our address shows that name. */
const isOurs = (host: string): boolean => host === "localhost" || isIP(host.replace(/^\[|\]$/g, "")) !== 0;

/**
 * What is asked for: a `probe` of health; a `page` or a picture, which is in every copy of this package, and to which other sites may
 * link; `data` is everything else, and what the token guards.
 */
export type Kind = "probe" | "page" | "data";

/**
 * The refusal of a request, undefined when it may come in.
 *
 * `token`: what it has to show for data, as `Authorization: Bearer`, or as the password of Basic, which browsers ask their user for.
 * Where there is none, a request that names us by a host name is a page that had its own name resolved to loopback (DNS rebinding).
 *
 * @see RFC 6750 §2.1, RFC 7617
 */
export function refusalOf(request: IncomingMessage, kind: Kind, token: string | undefined): Refusal | undefined {
  const { host = "" } = request.headers;
  if (token === undefined && !isOurs(host.replace(/:\d{1,5}$/, "").toLowerCase())) return { status: 421, detail: `${JSON.stringify(host)} is not served here: an IP address or localhost is` };
  if (kind === "data" && isFromElsewhere(request, host)) return { status: 403, detail: "the request comes from a page of another site" };
  if (token !== undefined && kind === "data" && !shows(request, token)) return { status: 401, detail: "the admin token is needed", headers: { "www-authenticate": 'Basic realm="cpm-cf", charset="UTF-8"' } };
  return refusalOfBody(request);
}

/** What browsers say of pages that ask for something; other clients say nothing. */
function isFromElsewhere({ headers }: IncomingMessage, host: string): boolean {
  const site = headers["sec-fetch-site"];
  if (site !== undefined && site !== "same-origin" && site !== "none") return true;
  const { origin } = headers;
  // The scheme does not matter: a proxy may have taken the TLS off.
  return origin !== undefined && origin.replace(/^https?:\/\//, "").toLowerCase() !== host.toLowerCase();
}

function shows({ headers }: IncomingMessage, token: string): boolean {
  const [, scheme = "", credentials = ""] = /^(bearer|basic) +([\w.~+/=-]{1,1024})$/i.exec(headers.authorization ?? "") ?? [];
  const shown = scheme.toLowerCase() === "basic" ? Buffer.from(credentials, "base64").toString("utf8").replace(/^[^:]*:/, "") : credentials;
  return timingSafeEqual(digest(shown), digest(token));
}

const digest = (text: string): Buffer => createHash("sha256").update(text).digest();

/** A form of another site can send a body, and cannot say that it is JSON. */
function refusalOfBody({ headers }: IncomingMessage): Refusal | undefined {
  const length = headers["transfer-encoding"] !== undefined ? Infinity : Number(headers["content-length"] ?? 0);
  if (length === 0) return undefined;
  if (length > bodyOctetsAtMost) return { status: 413, detail: "no request needs a body" };
  const type = headers["content-type"]?.split(";", 1)[0]?.trim().toLowerCase();
  return type === "application/json" ? undefined : { status: 415, detail: "a body is application/json, or is not there" };
}
