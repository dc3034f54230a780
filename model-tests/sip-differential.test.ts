import { readdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { Parser } from "sip.js/lib/core/messages/parser.js";
import type { Logger } from "sip.js/lib/core/log/logger.js";
import { expect, test } from "vitest";
import { PeerMisbehaved } from "../runtime/errors.ts";
import { octetsToText } from "../runtime/sip/message.ts";
import { parseDatagram, validate } from "../runtime/sip/parse.ts";
import { unquote } from "../runtime/sip/uri.ts";

/** What three readers are asked about a message. */
interface Reading {
  readonly startLine: string;
  readonly callId: string | undefined;
  readonly cseq: string;
  readonly from: string;
  readonly to: string;
  readonly via: string;
  readonly contacts: number;
  readonly bodyOctets: number;
}

type Reader = (octets: Buffer) => Reading | undefined;

const address = (display: string | undefined, uri: string, tag: string | null | undefined) => [display ?? "", uri, tag ?? ""].join(" | ");

const ours: Reader = (octets) => {
  try {
    const message = parseDatagram(octets);
    validate(message);
    const { method, uri, status, reason, from, to, via, cseq, callId, body } = message;
    const [top] = via;
    return {
      startLine: message.isRequest ? `${method} ${uri}` : `${status} ${octetsToText(reason)}`,
      callId,
      cseq: `${cseq.seq} ${cseq.method}`,
      from: address(octetsToText(from.display), from.uri, from.params.get("tag")),
      to: address(octetsToText(to.display), to.uri, to.params.get("tag")),
      via: `${top?.transport} ${top?.host} ${top?.port} ${top?.params.get("branch")}`,
      contacts: message.list("Contact").length,
      bodyOctets: body.length,
    };
  } catch (fault) {
    if (fault instanceof PeerMisbehaved) return undefined;
    throw fault;
  }
};

interface NpmSipAddress {
  readonly name?: string;
  readonly uri: string;
  readonly params: Readonly<Record<string, string | null>>;
}
interface NpmSipMessage {
  readonly method?: string;
  readonly uri?: string;
  readonly status?: number;
  readonly reason?: string;
  readonly content: string;
  readonly headers: {
    readonly via?: readonly { protocol: string; host: string; port?: number; params: Record<string, string | null> }[];
    readonly from?: NpmSipAddress;
    readonly to?: NpmSipAddress;
    readonly contact?: readonly NpmSipAddress[];
    readonly cseq?: { readonly seq: number; readonly method: string };
    readonly "call-id"?: string;
  };
}

const npmSip = createRequire(import.meta.url)("sip") as { parse(octets: Buffer): NpmSipMessage | undefined };

const npmSipReader: Reader = (octets) => {
  const message = npmSip.parse(octets);
  const { via, from, to, contact, cseq, "call-id": callId } = message?.headers ?? {};
  // What its transport asks of a message before it hands it on.
  if (message === undefined || via?.[0] === undefined || !from || !to || !cseq || !callId) return undefined;
  const text = (value: string | undefined) => octetsToText(value ?? "");
  const top = via[0];
  return {
    startLine: message.status === undefined ? `${message.method} ${message.uri}` : `${message.status} ${text(message.reason)}`,
    callId,
    cseq: `${cseq.seq} ${cseq.method}`,
    from: address(unquote(text(from.name)), from.uri, from.params["tag"]),
    to: address(unquote(text(to.name)), to.uri, to.params["tag"]),
    via: `${top.protocol} ${top.host} ${top.port} ${top.params["branch"]}`,
    contacts: contact?.length ?? 0,
    bodyOctets: message.content.length,
  };
};

interface SipJsAddress {
  readonly displayName?: string;
  readonly uri: { toRaw(): string };
  getParam(name: string): string | null | undefined;
}
interface SipJsMessage {
  readonly method?: string;
  readonly ruri?: { toRaw(): string };
  readonly statusCode?: number;
  readonly reasonPhrase?: string;
  readonly callId?: string;
  readonly cseq?: number;
  readonly from?: SipJsAddress;
  readonly to?: SipJsAddress;
  readonly via?: { readonly transport: string; readonly host: string; readonly port?: number; readonly branch?: string };
  readonly body: string;
  getHeaders(name: string): readonly string[];
  parseHeader(name: string): { readonly method?: string } | undefined;
}

const silent = { warn() {}, error() {}, log() {}, debug() {} };

const sipJsReader: Reader = (octets) => {
  const message = Parser.parseMessage(octets.toString("utf8"), silent as unknown as Logger) as unknown as SipJsMessage | undefined;
  if (!message?.from || !message.to || !message.via || !message.callId || message.cseq === undefined) return undefined;
  const { from, to, via } = message;
  return {
    startLine: message.ruri ? `${message.method} ${message.ruri.toRaw()}` : `${message.statusCode} ${message.reasonPhrase}`,
    callId: message.callId,
    cseq: `${message.cseq} ${message.parseHeader("cseq")?.method}`,
    from: address(from.displayName, from.uri.toRaw(), from.getParam("tag")),
    to: address(to.displayName, to.uri.toRaw(), to.getParam("tag")),
    via: `${via.transport} ${via.host} ${via.port} ${via.branch}`,
    contacts: message.getHeaders("contact").length,
    bodyOctets: Buffer.byteLength(message.body ?? ""),
  };
};

/** What `theirs` says otherwise than we: names of readings, or that only one of us reads the message at all. */
function difference(octets: Buffer, theirs: Reader): string {
  let other: Reading | undefined;
  try {
    other = theirs(octets);
  } catch {
    return "they throw";
  }
  const own = ours(octets);
  if (own === undefined || other === undefined) return own === other ? "" : own ? "we read it" : "they read it";
  return (Object.keys(own) as (keyof Reading)[]).filter((name) => own[name] !== other[name]).join(" ");
}

const corpus = ["rfc4475", "sip"].flatMap((folder) =>
  readdirSync(new URL(`fixtures/${folder}/`, import.meta.url))
    .filter((name) => /\.(dat|sip)$/.test(name))
    .map((name) => ({ name, octets: readFileSync(new URL(`fixtures/${folder}/${name}`, import.meta.url)) })),
);

/** Why the others read a message differently from us; each was looked at, and in each we keep to the standard. */
const reasons = {
  scalars: "RFC 4475 §3.1.2.4, §3.1.2.5: they take numbers of any size",
  grammar: "they read around what the grammar does not allow; an ambiguous message is better refused than guessed at",
  repeated: "RFC 4475 §3.3.8, §3.3.9: of a field that may come once they take the last, or join them",
  cseq: "RFC 4475 §3.1.2.17, §3.1.2.18: they do not compare the method of CSeq",
  version: "RFC 4475 §3.1.2.16: they do not look at the version",
  framing: "RFC 4475 §3.1.2.2, §3.1.2.3: they do not hold Content-Length against the datagram",
  trailing: "RFC 4475 §3.1.1.8: they count what follows the message as its body",
  unescaped: "RFC 4475 §3.1.1.5: they unescape methods and names of header fields",
  rewritten: "they unescape, escape or lower-case parts of a URI; we hand it on as it came",
  quotedPair: "they leave quoted-pairs in a display name",
  text: "they take octets for text in UTF-8, and a binary body grows",
  scheme: "they read no URI but sip and sips there",
  ipv6: "they do not read IPv6 addresses",
  cid: "RFC 5368 §5: a Refer-To may be a cid URI; they refuse the whole message",
} as const;

type Pinned = Readonly<Record<string, readonly [difference: string, reason: keyof typeof reasons]>>;

const pinnedNpmSip: Pinned = {
  "badaspec.dat": ["they read it", "grammar"],
  "baddate.dat": ["they read it", "grammar"],
  "badinv01.dat": ["they read it", "grammar"],
  "badvers.dat": ["they read it", "version"],
  "bigcode.dat": ["they read it", "scalars"],
  "clerr.dat": ["they read it", "framing"],
  "dblreq.dat": ["bodyOctets", "trailing"],
  "esc02.dat": ["startLine cseq contacts", "unescaped"],
  "escruri.dat": ["they read it", "grammar"],
  "ltgtruri.dat": ["they read it", "grammar"],
  "mcl01.dat": ["they read it", "repeated"],
  "mismatch01.dat": ["they read it", "cseq"],
  "mismatch02.dat": ["they read it", "cseq"],
  "multi01.dat": ["they read it", "repeated"],
  "ncl.dat": ["they read it", "framing"],
  "quotbal.dat": ["they read it", "grammar"],
  "regbadct.dat": ["they read it", "grammar"],
  "scalar02.dat": ["they read it", "scalars"],
  "scalarlg.dat": ["they read it", "scalars"],
  "trws.dat": ["they read it", "grammar"],
  "REGISTER-instance.sip": ["via", "ipv6"],
};

const pinnedSipJs: Pinned = {
  "baddate.dat": ["they read it", "grammar"],
  "badvers.dat": ["they read it", "version"],
  "clerr.dat": ["they read it", "framing"],
  "esc01.dat": ["startLine to", "rewritten"],
  "escruri.dat": ["they read it", "grammar"],
  "intmeth.dat": ["startLine to", "rewritten"],
  "longreq.dat": ["to", "rewritten"],
  "mcl01.dat": ["they read it", "repeated"],
  "mismatch01.dat": ["they read it", "cseq"],
  "mismatch02.dat": ["they read it", "cseq"],
  "mpart01.dat": ["bodyOctets", "text"],
  "multi01.dat": ["they read it", "repeated"],
  "novelsc.dat": ["startLine", "scheme"],
  "scalar02.dat": ["they read it", "scalars"],
  "scalarlg.dat": ["they read it", "scalars"],
  "semiuri.dat": ["startLine", "rewritten"],
  "unkscm.dat": ["startLine", "scheme"],
  "unksm2.dat": ["we read it", "scheme"],
  "wsinv.dat": ["from", "quotedPair"],
  "INVITE-compact.sip": ["we read it", "scheme"],
  "REFER-several.sip": ["we read it", "cid"],
  "REGISTER-instance.sip": ["we read it", "scheme"],
};

/** All that differs over the corpus, file by file. */
const differences = (theirs: Reader): Record<string, string> =>
  Object.fromEntries(corpus.map(({ name, octets }) => [name, difference(octets, theirs)] as const).filter(([, differs]) => differs !== ""));

const expected = (pinned: Pinned): Record<string, string> =>
  Object.fromEntries(Object.entries(pinned).map(([name, [differs]]) => [name, differs]));

test("npm sip reads the corpus as we do but for the differences that are known", () => {
  expect(differences(npmSipReader)).toEqual(expected(pinnedNpmSip));
});

test("sip.js reads the corpus as we do but for the differences that are known", () => {
  expect(differences(sipJsReader)).toEqual(expected(pinnedSipJs));
});

test("every difference has a reason and every reason a difference", () => {
  const given = [...Object.values(pinnedNpmSip), ...Object.values(pinnedSipJs)].map(([, reason]) => reason);
  expect(new Set(given)).toEqual(new Set(Object.keys(reasons)));
});
