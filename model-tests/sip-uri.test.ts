import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { PeerMisbehaved } from "../runtime/errors.ts";
import { formatVia, parseVia, textToOctets, octetsToText } from "../runtime/sip/message.ts";
import { formatNameAddr, formatUri, parseNameAddr, parseUri, quote, unquote, uriEquals } from "../runtime/sip/uri.ts";

describe("URI comparison, RFC 3261 §19.1.4", () => {
  const equivalent: readonly (readonly [string, string])[] = [
    ["sip:%61lice@atlanta.com;transport=TCP", "sip:alice@AtLanTa.CoM;Transport=tcp"],
    ["sip:carol@chicago.com", "sip:carol@chicago.com;newparam=5"],
    ["sip:carol@chicago.com", "sip:carol@chicago.com;security=on"],
    ["sip:carol@chicago.com;newparam=5", "sip:carol@chicago.com;security=on"],
    ["sip:biloxi.com;transport=tcp;method=REGISTER?to=sip:bob%40biloxi.com", "sip:biloxi.com;method=REGISTER;transport=tcp?to=sip:bob%40biloxi.com"],
    ["sip:alice@atlanta.com?subject=project%20x&priority=urgent", "sip:alice@atlanta.com?priority=urgent&subject=project%20x"],
    ["sip:bob@[2001:DB8::1]:5062", "sip:bob@[2001:db8::1]:5062"],
    ["SIPS:bob@biloxi.com", "sips:bob@biloxi.com"],
    ["sip:a%2fb@biloxi.com", "sip:a%2Fb@biloxi.com"],
    ["tel:+1-212-555-0101", "tel:+1(212)5550101"],
    ["tel:555-0101;phone-context=Home.Example", "tel:5550101;PHONE-CONTEXT=home.example"],
    ["urn:service:sos", "URN:service:sos"],
  ];
  const different: readonly (readonly [string, string])[] = [
    ["SIP:ALICE@AtLanTa.CoM;Transport=udp", "sip:alice@AtLanTa.CoM;Transport=UDP"],
    ["sip:bob@biloxi.com", "sip:bob@biloxi.com:5060"],
    ["sip:bob@biloxi.com", "sip:bob@biloxi.com;transport=udp"],
    ["sip:bob@biloxi.com", "sip:bob@biloxi.com:6000;transport=tcp"],
    ["sip:carol@chicago.com", "sip:carol@chicago.com?Subject=next%20meeting"],
    ["sip:bob@phone21.boxesbybob.com", "sip:bob@192.0.2.4"],
    ["sip:carol@chicago.com;security=on", "sip:carol@chicago.com;security=off"],
    ["sip:bob@biloxi.com", "sips:bob@biloxi.com"],
    ["sip:bob@biloxi.com", "sip:biloxi.com"],
    ["sip:bob:secret@biloxi.com", "sip:bob@biloxi.com"],
    ["sip:a%2Fb@biloxi.com", "sip:a/b@biloxi.com"],
    ["sip:bob@biloxi.com;maddr=192.0.2.1", "sip:bob@biloxi.com"],
    ["sip:bob@biloxi.com;ttl=15", "sip:bob@biloxi.com"],
    ["sip:bob@biloxi.com;user=phone", "sip:bob@biloxi.com"],
    ["tel:+12125550101", "tel:12125550101"],
    ["tel:5550101;phone-context=+1", "tel:5550101"],
    ["urn:service:sos", "urn:service:sos.fire"],
  ];
  for (const [a, b] of equivalent)
    test(`${a} is ${b}`, () => {
      expect(uriEquals(a, b)).toBe(true);
      expect(uriEquals(parseUri(b), a)).toBe(true);
    });
  for (const [a, b] of different)
    test(`${a} is not ${b}`, () => {
      expect(uriEquals(a, b)).toBe(false);
      expect(uriEquals(b, parseUri(a))).toBe(false);
    });
});

describe("URIs in parts", () => {
  const params = (entries: Record<string, string | null>) => new Map(Object.entries(entries));
  const parts: Readonly<Record<string, Partial<ReturnType<typeof parseUri>>>> = {
    "sip:alice@home.example": { scheme: "sip", user: "alice", host: "home.example", params: params({}), headers: undefined },
    "sips:alice:s:1@home.example:5061;lr;Transport=tls?Subject=x": {
      scheme: "sips",
      user: "alice",
      password: "s:1",
      host: "home.example",
      port: 5061,
      params: params({ lr: null, transport: "tls" }),
      headers: "Subject=x",
    },
    "sip:[2001:db8::1]:5060": { host: "[2001:db8::1]", port: 5060 },
    "sip:[::ffff:192.0.2.1];lr": { host: "[::ffff:192.0.2.1]", params: params({ lr: null }) },
    "sip:a;b=c?d/e@home.example": { user: "a;b=c?d/e", host: "home.example" },
    "tel:+1-212-555-0101;phone-context=home.example": { scheme: "tel", user: "+1-212-555-0101", host: "", params: params({ "phone-context": "home.example" }) },
    "cid:part1@192.0.2.1": { scheme: "cid", host: "", opaque: "part1@192.0.2.1" },
    "urn:gsma:imei:35824005-000001-0": { scheme: "urn", opaque: "gsma:imei:35824005-000001-0" },
  };
  for (const [text, expected] of Object.entries(parts))
    test(text, () => {
      expect(parseUri(text)).toMatchObject(expected);
      expect(parseUri(formatUri(parseUri(text)))).toEqual(parseUri(text));
    });

  const broken = [
    "", "sip", "sip:", ":x", "1sip:a@b", "sip:@home.example", "sip::pw@home.example", "sip:alice@", "sip:alice@home example", "sip:a b@c", "sip:alice@home.example:", "sip:alice@home.example:0",
    "sip:alice@home.example:65536", "sip:alice@home.example:123456", "sip:alice@home.example:5060x", "sip:alice@[2001:db8::1", "sip:alice@[2001:db8::g]", "sip:alice@[]", "sip:alice@2001:db8::1",
    "sip:alice@home.example;", "sip:alice@home.example;;lr", "sip:alice@home.example;=x", "sip:alice@home.example;x=", "sip:al<ice@home.example", 'sip:"a"@home.example', "sip:alice@home.example\r\nX: y", "sip:\u00e9@home.example",
    "tel:", "tel:;x=y", "tel:1?x",
  ];
  for (const text of broken) test(`${JSON.stringify(text)} is no URI`, () => expect(() => parseUri(text)).toThrow(PeerMisbehaved));
});

describe("name-addr and addr-spec, RFC 3261 §20.10", () => {
  const read: readonly (readonly [text: string, display: string, uri: string, params: Record<string, string | null>])[] = [
    ["<sip:a@b>", "", "sip:a@b", {}],
    ["sip:a@b;tag=1", "", "sip:a@b", { tag: "1" }],
    ["tel:+1;phone-context=x;tag=1", "", "tel:+1", { "phone-context": "x", tag: "1" }],
    ["<sip:a@b;lr?x=y>;tag=1;X = Y ;z", "", "sip:a@b;lr?x=y", { tag: "1", x: "Y", z: null }],
    ["Alice <sip:a@b>", "Alice", "sip:a@b", {}],
    ["Alice  van der Berg\t<sip:a@b>", "Alice  van der Berg", "sip:a@b", {}],
    ['"Alice, \\"A\\" \\\\ <x>" <sip:a@b>', 'Alice, "A" \\ <x>', "sip:a@b", {}],
    ['""<sip:a@b>', "", "sip:a@b", {}],
    [`${textToOctets("Ångström à")} <sip:a@b>`, textToOctets("Ångström à"), "sip:a@b", {}],
    ['<sip:a@b>;+sip.instance="<urn:gsma:imei:1-2-0>";q=0.5', "", "sip:a@b", { "+sip.instance": '"<urn:gsma:imei:1-2-0>"', q: "0.5" }],
    ["<sip:a@b>;tag=1;tag=2", "", "sip:a@b", { tag: "1" }],
  ];
  for (const [text, display, uri, params] of read)
    test(text, () => {
      const address = parseNameAddr(text);
      expect(address).toEqual({ display, uri, params: new Map(Object.entries(params)) });
      expect(parseNameAddr(formatNameAddr(address))).toEqual(address);
    });

  const broken = [
    "", "alice", "alice@b", "<>", "<sip:a@b", "sip:a@b>", "< sip:a@b>", "<sip:a@b >", '"a <sip:a@b>', '"a" x <sip:a@b>', '"a" sip:a@b', "a, b <sip:a@b>", "a@b <sip:a@b>", "sip:a@b?x=y", "sip:a@b,sip:c@d",
    "<sip:a@b>;", "<sip:a@b>;;x", "<sip:a@b>x", "<sip:a@b>;x=", "<sip:a@b>;x=;y", '<sip:a@b>;x="y', "<sip:a@b>;x y", "<<sip:a@b>>",
  ];
  for (const text of broken) test(`${JSON.stringify(text)} is none`, () => expect(() => parseNameAddr(text)).toThrow(PeerMisbehaved));
});

describe("Via, RFC 3261 §20.42", () => {
  test("all its parts, with white space where it may be", () => {
    const via = parseVia("SIP / 2.0 / udp\t[2001:db8::9] : 5070 ; branch=z9hG4bKx;rport ;received=2001:db8::1");
    expect(via).toMatchObject({ transport: "UDP", host: "[2001:db8::9]", port: 5070 });
    expect(Object.fromEntries(via.params)).toEqual({ branch: "z9hG4bKx", rport: null, received: "2001:db8::1" });
    expect(formatVia(via)).toBe("SIP/2.0/UDP [2001:db8::9]:5070;branch=z9hG4bKx;rport;received=2001:db8::1");
  });

  const broken = ["", "SIP/2.0/UDP", "SIP/2.0/UDP ", "HTTP/2.0/UDP a", "SIP/2.0 a", "SIP/2.0/UDP a:0", "SIP/2.0/UDP a:x", "SIP/2.0/UDP a;", "SIP/2.0/UDP a b", "SIP/2.0/UDP [::1", "SIP/2.0/UDP ::1"];
  for (const raw of broken) test(`${JSON.stringify(raw)} is none`, () => expect(() => parseVia(raw)).toThrow(PeerMisbehaved));
});

describe("properties", () => {
  const anything = fc.string({ unit: "binary", maxLength: 40 });
  const word = fc.stringMatching(/^[a-z0-9-]{1,12}$/);
  const nasty = fc.constantFrom("\r\n", "\n", "\u010a", "\u560d\u560a", '"', "\\", "<", ">", ";", ",", "\0", " ", "@", "?");
  const hostile = fc.array(fc.oneof(word, nasty), { maxLength: 8 }).map((pieces) => pieces.join(""));

  test("a quoted-string is one quoted-string, and what it holds comes back", () => {
    fc.assert(
      fc.property(fc.oneof(anything, hostile), (content) => {
        const quoted = quote(content);
        expect(quoted).toMatch(/^"(?:[^"\\\r\n\u0100-\uffff]|\\["\\])*"$/);
        const octets = /[\u0100-\uffff]/.test(content) ? textToOctets(content) : content;
        expect(unquote(quoted)).toBe(octets.replace(/[\x00-\x08\x0a-\x1f\x7f]/g, " "));
      }),
    );
  });

  test("text survives its octets", () => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme" }), (text) => {
        expect(octetsToText(textToOctets(text))).toBe(text);
        expect(octetsToText(parseNameAddr(`${quote(textToOctets(text))} <sip:a@b>`).display)).toBe(text.replace(/[\x00-\x08\x0a-\x1f\x7f]/g, " "));
      }),
    );
  });

  test("whatever its parts are, a formatted URI ends none of them early", () => {
    const uri = fc.record({
      scheme: fc.constantFrom("sip", "sips"),
      user: fc.option(hostile.filter((user) => user !== ""), { nil: undefined }),
      host: fc.constantFrom("home.example", "192.0.2.1", "[2001:db8::1]"),
      port: fc.option(fc.integer({ min: 1, max: 65535 }), { nil: undefined }),
      params: fc.uniqueArray(fc.tuple(word, fc.option(hostile.filter((value) => value !== ""))), { selector: ([name]) => name }).map((entries) => new Map(entries)),
      headers: fc.option(word, { nil: undefined }),
    });
    fc.assert(
      fc.property(uri, (parts) => {
        const text = formatUri(parts);
        const again = parseUri(text);
        expect(again).toMatchObject({ scheme: parts.scheme, host: parts.host, port: parts.port, headers: parts.headers });
        expect([...again.params.keys()]).toEqual([...parts.params.keys()]);
        expect(formatUri(again)).toBe(text);
        expect(uriEquals(text, again)).toBe(true);
      }),
    );
  });

  test("whatever its parts are, a formatted name-addr is one name-addr", () => {
    const address = fc.record({
      display: hostile,
      uri: hostile.map((rest) => "sip:a@b" + rest),
      params: fc.dictionary(word, fc.option(hostile), { maxKeys: 4 }).map((entries) => new Map(Object.entries(entries))),
    });
    fc.assert(
      fc.property(address, (parts) => {
        const text = formatNameAddr(parts);
        expect(text).not.toMatch(/[\r\n\u0100-\uffff]/);
        const again = parseNameAddr(text);
        expect([...again.params.keys()]).toEqual([...parts.params.keys()]);
        expect(formatNameAddr(again)).toBe(text);
      }),
    );
  });
});
