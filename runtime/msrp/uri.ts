import { isIPv6 } from "node:net";
import { PeerMisbehaved } from "../errors.ts";

/** An MSRP URI, taken apart. @see RFC 4975 §6 */
export interface MsrpUri {
  readonly scheme: "msrp" | "msrps";
  /** Lower case; an IPv6 address without its brackets. */
  readonly host: string;
  /** A missing port is no port and never equals one that is there. */
  readonly port: number | undefined;
  /** Empty where the URI names no session, e.g. a relay's. */
  readonly sessionId: string;
  readonly transport: string;
}

/** Where a URI without a port is reached. @see RFC 4975 §6 */
export const defaultPort = 2855;

/** More URIs than any chain of relays has. */
const maxPathUris = 32;

/**
 * Reads one MSRP URI.
 *
 * @throws {PeerMisbehaved} MSRP_MALFORMED, 400: it is none
 */
export function parseMsrpUri(text: string): MsrpUri {
  const colon = text.indexOf("://");
  const scheme = text.slice(0, Math.max(colon, 0)).toLowerCase();
  if (scheme !== "msrp" && scheme !== "msrps") throw malformed("the scheme is neither msrp nor msrps");
  if (!isPrintable(text)) throw malformed("an MSRP URI has no blanks and no control characters");
  const parameters = text.indexOf(";", colon);
  if (parameters < 0) throw malformed("an MSRP URI names its transport");
  const slash = text.indexOf("/", colon + 3);
  const hasSession = slash >= 0 && slash < parameters;
  const authority = text.slice(colon + 3, hasSession ? slash : parameters);
  const next = text.indexOf(";", parameters + 1);
  const transport = text.slice(parameters + 1, next < 0 ? text.length : next).toLowerCase();
  if (!/^[0-9a-z]+$/.test(transport)) throw malformed("the transport of an MSRP URI is a word");
  return { scheme, ...parseAuthority(authority), sessionId: hasSession ? text.slice(slash + 1, parameters) : "", transport };
}

function parseAuthority(authority: string): { host: string; port: number | undefined } {
  const hostPort = authority.slice(authority.lastIndexOf("@") + 1);
  const bracket = hostPort.startsWith("[") ? hostPort.indexOf("]") : -1;
  const colon = hostPort.indexOf(":", bracket + 1);
  const host = (colon < 0 ? hostPort : hostPort.slice(0, colon)).toLowerCase();
  const bare = bracket < 0 ? host : host.slice(1, -1);
  if (bare === "" || (bracket >= 0 && !isIPv6(bare))) throw malformed("the host of an MSRP URI is a name or an address");
  if (colon < 0) return { host: bare, port: undefined };
  const digits = hostPort.slice(colon + 1);
  const port = /^\d{1,5}$/.test(digits) ? Number(digits) : NaN;
  if (!(port <= 65535)) throw malformed("the port of an MSRP URI is a number up to 65535");
  return { host: bare, port };
}

/** Reads a To-Path, a From-Path or an `a=path`: URIs separated by single blanks. @throws {PeerMisbehaved} MSRP_MALFORMED, 400: it is none */
export function parsePath(text: string): [MsrpUri, ...MsrpUri[]] {
  const [first, ...rest] = text.split(" ", maxPathUris + 1);
  if (rest.length === maxPathUris) throw malformed("the path has too many URIs");
  return [parseMsrpUri(first!), ...rest.map(parseMsrpUri)];
}

/** The first URI of a path, as written: the next hop, or the sender of what came. */
export function firstOfPath(path: string): string {
  const blank = path.indexOf(" ");
  return blank < 0 ? path : path.slice(0, blank);
}

export function formatMsrpUri(uri: MsrpUri): string {
  const host = uri.host.includes(":") ? `[${uri.host}]` : uri.host;
  return `${uri.scheme}://${host}${uri.port === undefined ? "" : `:${uri.port}`}/${uri.sessionId};${uri.transport}`;
}

/** Compares as RFC 4975 §6.1 says: user information and further parameters do not count, the session identifier is case-sensitive. */
export function msrpUriEquals(a: MsrpUri, b: MsrpUri): boolean {
  return (
    a.scheme === b.scheme &&
    a.sessionId === b.sessionId &&
    a.port === b.port &&
    a.transport === b.transport &&
    (a.host === b.host || canonicalHost(a.host) === canonicalHost(b.host))
  );
}

export function pathEquals(a: readonly MsrpUri[], b: readonly MsrpUri[]): boolean {
  return a.length === b.length && a.every((uri, position) => msrpUriEquals(uri, b[position]!));
}

/** One IPv6 address has many spellings. */
function canonicalHost(host: string): string {
  return isIPv6(host) && !host.includes("%") ? new URL(`msrp://[${host}]`).hostname : host;
}

function isPrintable(text: string): boolean {
  return /^[!-~]+$/.test(text);
}

function malformed(detail: string): PeerMisbehaved {
  return new PeerMisbehaved("MSRP_MALFORMED", "RFC 4975 §6", 400, detail);
}
