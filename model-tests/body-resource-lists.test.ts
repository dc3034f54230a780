import { describe, expect, test } from "vitest";
import { formatResourceLists, historyList, parseResourceLists, type ListEntry } from "../runtime/body/resource-lists.ts";
import { faultOf, fixture, fixturesIn } from "./body-fixtures.ts";

const parsed = (name: string) => parseResourceLists(fixture(`resource-lists/${name}.xml`));
const shape = (entries: readonly ListEntry[]) =>
  entries.map(({ uri, copyControl, anonymize, count = 1 }) => `${uri} ${copyControl}${anonymize === true ? " anonymous" : ""}${count === 1 ? "" : ` ${count}`}`);

describe("whole", () => {
  test("the list of a group's creation", () => expect(shape(parsed("group-creation"))).toEqual(["sip:bob@home.example to", "sip:carol@home.example to"]));

  test("the namespace of copyControl in its other spelling", () =>
    expect(shape(parsed("every-copy-control"))).toEqual([
      "sip:bill@example.com to",
      "sip:randy@example.net to anonymous",
      "sip:eddy@example.com to anonymous",
      "sip:joe@example.org cc",
      "sip:carol@example.net cc anonymous",
      "sip:ted@example.net bcc",
      "sip:andy@example.com bcc",
    ]));

  test("an entry without copyControl is what the caller takes it for", () => {
    expect(parsed("without-copy-control").map(({ copyControl }) => copyControl)).toEqual(["to", "to"]);
    const strict = parseResourceLists(fixture("resource-lists/without-copy-control.xml"), "bcc");
    expect(strict.map(({ copyControl }) => copyControl)).toEqual(["bcc", "bcc"]);
    expect(strict[1]?.displayName).toBe("Carol & Co");
  });

  test("of equal URIs the one with the highest copyControl remains", () =>
    expect(shape(parsed("duplicates"))).toEqual(["sip:%62ob@home.example to", "sip:Bob@home.example cc", "tel:+15550100002 cc"]));

  test("URI headers are taken off; Session-Replaces is told", () => {
    const [bob, carol] = parsed("session-replaces");
    expect(bob).toMatchObject({ uri: "sip:bob@home.example", sessionReplaces: "abcdef0123456789@x" });
    expect(carol?.sessionReplaces).toBeUndefined();
  });

  test("lists in lists, references, prefixes", () => {
    expect(parsed("nested").map(({ uri }) => uri)).toEqual(["sip:bob@home.example", "sip:carol@home.example"]);
    expect(parsed("prefixed").map(({ uri }) => uri)).toEqual(["sip:bob@home.example"]);
  });

  test("an empty list is empty", () => expect(parsed("empty")).toEqual([]));
});

describe("malformed", () => {
  const notXml = new Set(["not-well-formed", "undeclared-prefix", "doctype", "empty"]);
  test.each(fixturesIn("resource-lists/malformed"))("%s", (path) => {
    const name = /([^/]*)\.xml$/.exec(path)![1]!;
    expect(faultOf(() => parseResourceLists(fixture(path)))).toBe(notXml.has(name) ? "XML_MALFORMED" : "RESOURCE_LISTS_MALFORMED");
  });

  test("more entries than any group takes", () => {
    const entries = (count: number): ListEntry[] => Array.from({ length: count }, (_, index) => ({ uri: `sip:u${index}@home.example`, copyControl: "to" }));
    expect(parseResourceLists(formatResourceLists(entries(2000)))).toHaveLength(2000);
    expect(faultOf(() => parseResourceLists(formatResourceLists(entries(2001))))).toBe("RESOURCE_LISTS_TOO_LONG");
  });
});

describe("the recipient history", () => {
  test("of the worked example", () =>
    expect(shape(historyList(parsed("every-copy-control")))).toEqual([
      "sip:bill@example.com to",
      "sip:anonymous@anonymous.invalid to 2",
      "sip:joe@example.org cc",
      "sip:anonymous@anonymous.invalid cc",
    ]));

  test.each([
    ["to", false, ["sip:bob@home.example to"]],
    ["to", true, ["sip:anonymous@anonymous.invalid to"]],
    ["cc", false, ["sip:bob@home.example cc"]],
    ["cc", true, ["sip:anonymous@anonymous.invalid cc"]],
    ["bcc", false, []],
    ["bcc", true, []],
  ] as const)("of copyControl %s, anonymize %s", (copyControl, anonymize, history) =>
    expect(shape(historyList([{ uri: "sip:bob@home.example", copyControl, anonymize }]))).toEqual(history));

  test("counts what entries stand for", () =>
    expect(shape(historyList([{ uri: "sip:a@b", copyControl: "cc", anonymize: true, count: 3 }, { uri: "sip:b@b", copyControl: "cc", anonymize: true }]))).toEqual(["sip:anonymous@anonymous.invalid cc 4"]));

  test("is written in lower case and read back", () => {
    const history = historyList(parsed("every-copy-control"));
    const octets = formatResourceLists(history);
    expect(octets.toString()).toContain('xmlns:cp="urn:ietf:params:xml:ns:copycontrol"');
    expect(octets.toString()).not.toContain("anonymize");
    expect(shape(parseResourceLists(octets))).toEqual(shape(history));
  });
});

test.each(fixturesIn("resource-lists"))("%s written is what was read", (path) => {
  const entries = parseResourceLists(fixture(path)).map((entry) => ({ ...entry, sessionReplaces: undefined }));
  expect(parseResourceLists(formatResourceLists(entries))).toEqual(entries);
});

test("text is escaped", () => {
  const entries: ListEntry[] = [{ uri: "sip:a&b@home.example", copyControl: "to", displayName: '</entry> "<&\r\n\0' }];
  const [again] = parseResourceLists(formatResourceLists(entries));
  expect(again).toMatchObject({ uri: "sip:a&b@home.example", displayName: '</entry> "<&\r\n\ufffd' });
});
