import type { HeaderFields } from "./content.ts";
import type { SipMessage } from "./message.ts";
import type { ServerTransaction } from "./transaction.ts";

/** What a request is held against before anybody sees it. */
export interface Profile {
  /** The methods that are answered here. */
  readonly methods: ReadonlySet<string>;
  readonly allow: string;
  /** Option tags that a Require may name. */
  readonly understood: ReadonlySet<string>;
  /** Media types that a body may have, by method; a method not named takes any. */
  readonly accept: Readonly<Record<string, readonly string[]>>;
}

/** A final response that ends a request at the door. */
export interface Refusal {
  readonly status: number;
  readonly headers: HeaderFields;
}

/** The methods of RFC 3261, 3262, 3265, 3311, 3428, 3515, 3903 and 6086: those that exist, taken here or not. */
const registered = new Set(["INVITE", "ACK", "BYE", "CANCEL", "OPTIONS", "REGISTER", "PRACK", "SUBSCRIBE", "NOTIFY", "UPDATE", "MESSAGE", "REFER", "PUBLISH", "INFO"]);

/** Requests that may make us send others: a hop is spent on them. @see RFC 7332 §3 */
const passedOn = new Set(["INVITE", "MESSAGE", "SUBSCRIBE", "REFER"]);

const refuse = (status: number, ...headers: HeaderFields): Refusal => ({ status, headers });

/** The inspection of a request, in the order of RFC 3261 §8.2; undefined when it may pass. */
export function inspect({ request, merged }: ServerTransaction, profile: Profile): Refusal | undefined {
  const { method } = request;
  const inDialog = request.to.params.has("tag");
  if (!profile.methods.has(method)) return registered.has(method) ? refuse(405, ["Allow", profile.allow]) : refuse(501, ["Allow", profile.allow]);
  if (!inDialog && merged) return refuse(482);
  if (!/^(sips?|tel):/i.test(request.uri)) return refuse(416);
  if (!inDialog && passedOn.has(method) && request.get("max-forwards") === "0") return refuse(483);
  return inspectRequire(request, inDialog, profile) ?? inspectContent(request, profile);
}

/** @see RFC 3261 §8.2.2.3; RFC 5366 §7.1 has no recipient list in a re-INVITE */
function inspectRequire(request: SipMessage, inDialog: boolean, { understood }: Profile): Refusal | undefined {
  if (request.get("require") === undefined) return undefined;
  const tags = request.list("require").map((tag) => tag.toLowerCase());
  const unsupported = tags.filter((tag) => !understood.has(tag) || (inDialog && tag === "recipient-list-invite"));
  return unsupported.length === 0 ? undefined : refuse(420, ["Unsupported", unsupported.join(", ")]);
}

/** @see RFC 3261 §8.2.3 */
function inspectContent(request: SipMessage, { accept }: Profile): Refusal | undefined {
  if (request.body.length === 0 || isOptional(request)) return undefined;
  const encoding = request.get("content-encoding")?.trim().toLowerCase() ?? "identity";
  if (encoding !== "identity") return refuse(415, ["Accept-Encoding", "identity"]);
  const types = accept[request.method];
  const type = request.get("content-type")?.split(";", 1)[0]?.trim().toLowerCase() ?? "";
  return types === undefined || types.some((allowed) => covers(allowed, type)) ? undefined : refuse(415, ["Accept", types.join(", ")]);
}

/** A body that may be passed over. @see RFC 3261 §20.11 */
function isOptional(request: SipMessage): boolean {
  const disposition = request.get("content-disposition");
  return disposition !== undefined && /;\s{0,8}handling\s{0,8}=\s{0,8}optional/i.test(disposition.slice(0, 256));
}

/** Whether `allowed`, maybe `message/*` or `*\/*`, holds for `type`. */
function covers(allowed: string, type: string): boolean {
  return allowed === "*/*" || allowed === type || (allowed.endsWith("/*") && type.startsWith(allowed.slice(0, -1)));
}
