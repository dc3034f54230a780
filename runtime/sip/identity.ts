import type { SipMessage } from "./message.ts";
import { parseNameAddr, parseUri, type NameAddr, type Uri } from "./uri.ts";

/**
 * A user's address in the one spelling in which addresses are compared: `sip:user@host`, or `tel:+number` for every URI that is a global telephone number.
 *
 * Parameters, ports, passwords and the case of the host do not make another user. A local number is somebody else at another host.
 *
 * @throws {PeerMisbehaved} SIP_MALFORMED, 400: the URI breaks the grammar
 * @see RFC 3261 §19.1.4, §19.1.6
 */
export function addressOf(uri: string): string {
  const { scheme, user = "", host, params, opaque } = parseUri(uri);
  if (isGlobalNumber(user)) return `tel:${withoutSeparators(user)}`;
  if (scheme === "tel") return `tel:${withoutSeparators(user)};phone-context=${params.get("phone-context")?.toLowerCase() ?? ""}`;
  if (scheme !== "sip" && scheme !== "sips") return `${scheme}:${opaque ?? ""}`;
  return `sip:${unescaped(user)}@${host.toLowerCase()}`;
}

const isGlobalNumber = (user: string) => /^\+[0-9().-]{1,40}(;|$)/.test(user);
const withoutSeparators = (number: string) => number.split(";", 1)[0]!.replace(/[().-]/g, "").toLowerCase();

/** Only what needs no escape is unescaped, so that the result stays a URI. */
const unescaped = (user: string) =>
  user.replace(/%[0-9a-fA-F]{2}/g, (escape) => {
    const octet = String.fromCharCode(Number.parseInt(escape.slice(1), 16));
    return /[A-Za-z0-9_.!~*'()-]/.test(octet) ? octet : escape.toUpperCase();
  });

/**
 * Who speaks in a request from a trusted peer: P-Asserted-Identity, else P-Preferred-Identity, else From.
 *
 * @throws {PeerMisbehaved} SIP_MALFORMED, 400: the header field breaks the grammar
 * @see RFC 3325 §9.1
 */
export function speakerOf(request: SipMessage): string {
  return namedIn(request).uri;
}

/** The display name of whoever speaks, as text. @throws {PeerMisbehaved} as `speakerOf` */
export function speakerNameOf(request: SipMessage): string | undefined {
  const { display } = namedIn(request);
  return display === "" ? undefined : textOf(display);
}

function namedIn(request: SipMessage): NameAddr {
  const named = request.list("p-asserted-identity")[0] ?? request.list("p-preferred-identity")[0];
  return named === undefined ? request.from : parseNameAddr(named);
}

/** A header field is octets, and these are mostly UTF-8. */
export const textOf = (octets: string): string => Buffer.from(octets, "latin1").toString("utf8");

/** The request asks that the identity be hidden. @see RFC 3323 §4.2, RFC 3325 §9.3 */
export function wantsPrivacy(request: SipMessage): boolean {
  return request
    .getAll("privacy")
    .flatMap((line) => line.split(";", 8))
    .some((value) => ["id", "user", "header"].includes(value.trim().toLowerCase()));
}

/** The user part of a URI as `addressOf` compares it. */
export const userOf = ({ user = "" }: Uri): string => unescaped(user);
