import { describe, expect, test } from "vitest";
import { formatConferenceInfo, parseConferenceInfo, type ConferenceInfo } from "../runtime/body/conference-info.ts";
import { dispositions, formatImdn, parseDispositionNotification, parseImdn, type DispositionKind, type Imdn } from "../runtime/body/imdn.ts";
import { formatIsComposing, parseIsComposing } from "../runtime/body/is-composing.ts";
import { attributeOf, childOf, escapeXml, parseXml, textOf } from "../runtime/body/xml.ts";
import { faultOf, fixture, fixturesIn } from "./body-fixtures.ts";

describe("XML", () => {
  const parsed = (text: string) => parseXml(Buffer.from(text));

  test("elements, attributes, text, CDATA, namespaces", () => {
    const root = parsed('<?xml version="1.0"?><!-- c --><a:r xmlns:a="urn:a" xmlns="urn:b" x="1" a:x="2"><a:t> one <![CDATA[<two>]]>&amp;&#51;</a:t><t>other</t></a:r>');
    expect(root).toMatchObject({ name: "r", namespace: "urn:a" });
    expect(textOf(root, "t")).toBe("one <two>&3");
    expect(attributeOf(root, "x")).toBe("1");
    expect(childOf(root, "t")?.namespace).toBe("urn:a");
  });

  test.each([
    ["a DTD", '<!DOCTYPE r [<!ENTITY a "aaaa">]><r>&a;</r>'],
    ["a DTD from elsewhere", '<!DOCTYPE r SYSTEM "file:///dev/zero"><r/>'],
    ["an entity that nobody declared", "<r>&lol;</r>"],
    ["an element that does not end", "<r><a></r>"],
    ["two roots", "<r/><r/>"],
    ["nothing", ""],
    ["text", "hello"],
    ["one attribute twice", '<r a="1" a="2"/>'],
    ["a prefix without a namespace", "<a:r/>"],
    ["more than 64 elements deep", `${"<a>".repeat(65)}${"</a>".repeat(65)}`],
    ["more than 128 KiB", `<r>${"x".repeat(131_072)}</r>`],
    ["a control character", "<r>\u0001</r>"],
  ])("%s is refused", (_, text) => expect(faultOf(() => parsed(text))).toBe("XML_MALFORMED"));

  test("64 elements deep are read", () => expect(parsed(`${"<a>".repeat(64)}${"</a>".repeat(64)}`).name).toBe("a"));
  test("what is no UTF-8 is refused", () => expect(faultOf(() => parseXml(Buffer.from("<r>\xff</r>", "latin1")))).toBe("XML_MALFORMED"));

  test("any text survives between tags and in an attribute", () => {
    const text = "a<b>&\"'\t\r\n]]> é \u{1f600}";
    const root = parsed(`<r a="${escapeXml(text)}">${escapeXml(text)}</r>`);
    expect(root.text).toBe(text);
    expect(attributeOf(root, "a")).toBe(text);
  });
});

describe("IMDN", () => {
  test("delivered, with any prefix", () => {
    const imdn: Imdn = {
      messageId: "MsgA1",
      dateTime: "2024-05-06T10:11:12+02:00",
      recipientUri: "sip:bob@home.example",
      originalRecipientUri: "sip:g7f3a91@cf.home.example",
      subject: undefined,
      kind: "delivery",
      status: "delivered",
    };
    expect(parseImdn(fixture("imdn/delivered.xml"))).toEqual(imdn);
    expect(parseImdn(fixture("imdn/prefixed.xml"))).toEqual(imdn);
    expect(parseImdn(fixture("imdn/displayed.xml"))).toEqual({ ...imdn, kind: "display", status: "displayed" });
    expect(formatImdn(imdn).toString()).toBe(fixture("imdn/delivered.xml").toString());
  });

  test.each(fixturesIn("imdn/malformed"))("%s", (path) => expect(faultOf(() => parseImdn(fixture(path)))).toBe("IMDN_MALFORMED"));

  test.each(Object.entries(dispositions).flatMap(([kind, statuses]) => statuses.map((status) => [kind as DispositionKind, status] as const)))("%s %s is read back", (kind, status) => {
    const imdn = { messageId: "<&>", dateTime: "2024-05-06T10:11:12Z", kind, status };
    expect(parseImdn(formatImdn(imdn))).toMatchObject(imdn);
  });

  test("what a sender asks to be told", () => {
    expect(parseDispositionNotification("positive-delivery, Display,x")).toEqual(["positive-delivery", "display"]);
    expect(parseDispositionNotification("")).toEqual([]);
    expect(parseDispositionNotification(undefined)).toEqual([]);
  });
});

describe("isComposing", () => {
  test("active, idle, and a state that nobody knows", () => {
    const active = { state: "active", contentType: "text/plain", lastActive: undefined, refresh: 60 } as const;
    expect(parseIsComposing(fixture("is-composing/composing.xml"))).toEqual(active);
    expect(parseIsComposing(fixture("is-composing/idle.xml"))).toEqual({ ...active, state: "idle" });
    expect(parseIsComposing(fixture("is-composing/unknown-state.xml"))).toEqual({ ...active, state: "idle" });
    expect(formatIsComposing(active).toString()).toBe(fixture("is-composing/composing.xml").toString());
  });

  test.each(fixturesIn("is-composing/malformed"))("%s", (path) => expect(faultOf(() => parseIsComposing(fixture(path)))).toBe("IS_COMPOSING_MALFORMED"));
});

describe("conference-info", () => {
  test("the roster of the flow", () => {
    const info = parseConferenceInfo(fixture("conference-info/roster.xml"));
    expect(info).toMatchObject({ entity: "sip:g7f3a91@cf.home.example", state: "full", version: 1, subject: "Hiking", maximumUserCount: 100, userCount: 3 });
    expect(info.users.map(({ entity, endpoints }) => [entity, endpoints[0]?.status])).toEqual([
      ["sip:alice@home.example", "connected"],
      ["sip:bob@home.example", "connected"],
      ["sip:carol@home.example", "pending"],
    ]);
    expect(formatConferenceInfo(info).toString()).toBe(fixture("conference-info/roster.xml").toString());
  });

  test("a role, and why somebody is not there", () => {
    const [alice, carol] = parseConferenceInfo(fixture("conference-info/declined.xml")).users;
    expect(alice).toMatchObject({ roles: ["chairman"], endpoints: [{ status: "connected", joiningMethod: "dialed-in" }] });
    expect(carol?.endpoints).toMatchObject([{ status: "disconnected", disconnectionMethod: "failed", disconnectionReason: 'SIP;cause=603;text="Decline"' }]);
  });

  test.each(fixturesIn("conference-info"))("%s written is what was read, with another prefix too", (path) => {
    const info = parseConferenceInfo(fixture(path));
    const octets = formatConferenceInfo(info);
    expect(parseConferenceInfo(octets)).toEqual(info);
    const prefixed = octets.toString().replace("xmlns=", "xmlns:ci=").replace(/<(\/?)(?=[a-z])/g, "<$1ci:");
    expect(parseConferenceInfo(Buffer.from(prefixed))).toEqual(info);
  });

  test("a partial document says so of its users, whose text is escaped", () => {
    const info: ConferenceInfo = {
      entity: "sip:g&<@cf.home.example",
      state: "partial",
      version: 7,
      users: [
        { entity: "sip:alice@home.example", state: "partial", displayText: 'A "<&>', yourown: true, roles: ["<x>"], endpoints: [{ entity: "sip:alice@192.0.2.1", state: "full", status: "on-hold" }] },
        { entity: "sip:bob@home.example", state: "deleted", endpoints: [] },
      ],
    };
    const octets = formatConferenceInfo(info);
    expect(octets.toString()).toContain('<users state="partial">');
    expect(parseConferenceInfo(octets)).toMatchObject(info);
  });

  test.each(["<conference-info entity='x'/>", "<a xmlns='urn:ietf:params:xml:ns:conference-info' entity='x'/>", "<conference-info xmlns='urn:ietf:params:xml:ns:conference-info'/>"])("%s is refused", (text) =>
    expect(faultOf(() => parseConferenceInfo(Buffer.from(text)))).toBe("CONFERENCE_INFO_MALFORMED"));
});
