import { describe, expect, test } from "vitest";
import { contentFieldOf, contentOf, formatCpim, headerOf, headersOf, imdnHeaderOf, parseCpim, withCrlf } from "../runtime/body/cpim.ts";
import { faultOf, fixture, fixturesIn } from "./body-fixtures.ts";

const parsed = (name: string) => parseCpim(fixture(`cpim/${name}.cpim`));

describe("whole", () => {
  test("a chat message", () => {
    const message = parsed("chat");
    expect(message).toMatchObject({ from: "sip:alice@home.example", to: ["sip:g7f3a91@cf.home.example"], canonical: true });
    expect(headerOf(message, "DateTime")).toBe("2024-05-06T10:11:12+02:00");
    expect(imdnHeaderOf(message, "Message-ID")).toBe("MsgA1");
    expect(imdnHeaderOf(message, "Disposition-Notification")).toBe("positive-delivery, display");
    expect(contentFieldOf(message, "content-type")).toBe("text/plain; charset=UTF-8");
    expect(contentFieldOf(message, "Content-Length")).toBe("5");
    expect(contentFieldOf(message, "Content-Disposition")).toBeUndefined();
    expect(headerOf(message, "Content-Type")).toBeUndefined();
    expect(contentOf(message).toString()).toBe("Hello");
  });

  test("the content is the same memory as the octets", () => {
    const octets = fixture("cpim/chat.cpim");
    expect(contentOf(parseCpim(octets)).buffer).toBe(octets.buffer);
  });

  test("a notification", () => {
    const message = parsed("delivered");
    expect(message.to).toEqual(["sip:alice@home.example"]);
    expect(contentFieldOf(message, "Content-Disposition")).toBe("notification");
    expect(contentOf(message).toString()).toBe(fixture("imdn/delivered.xml").toString());
  });

  test("headers alone, with and without the empty line", () => {
    const octets = fixture("cpim/group-file.cpim");
    for (const message of [parseCpim(octets), parseCpim(Buffer.concat([octets, Buffer.from("\r\n")]))]) {
      expect(imdnHeaderOf(message, "Message-ID")).toBe("FtA1");
      expect(contentFieldOf(message, "Content-Type")).toBeUndefined();
      expect(contentOf(message)).toHaveLength(0);
    }
  });
});

describe("as deployed clients write it", () => {
  test("To without angle brackets", () => expect(parsed("to-without-brackets").to).toEqual(["sip:anonymous@anonymous.invalid"]));
  test("NS without a space", () => expect(imdnHeaderOf(parsed("ns-without-space"), "Message-ID")).toBe("MsgA1"));
  test("another prefix", () => expect(imdnHeaderOf(parsed("other-prefix"), "Message-ID")).toBe("MsgA1"));
  test("display names", () => expect(parsed("display-names")).toMatchObject({ from: "sip:alice@home.example", to: ["sip:g7f3a91@cf.home.example"] }));
  test("names in another case", () => expect(parsed("names-in-other-case")).toMatchObject({ from: "sip:alice@home.example", to: ["sip:g7f3a91@cf.home.example"] }));
  test("a folded field of the content", () => expect(contentFieldOf(parsed("folded-content-type"), "Content-Type")).toBe("text/plain; charset=UTF-8"));
  test("a subject with a language, in UTF-8", () => expect(headerOf(parsed("subject-in-french"), "Subject")).toBe("Randonnée"));

  test("bare LF is read, told, and passed on as CRLF", () => {
    const message = parsed("bare-lf");
    expect(message.canonical).toBe(false);
    expect(contentOf(message).toString()).toBe("Hello");
    expect(withCrlf(message).toString()).toBe(fixture("cpim/chat.cpim").toString());
  });

  test("several To, several Require", () => {
    const message = parseCpim(Buffer.from("From: <sip:a@b>\r\nTo: <sip:c@d>\r\nRequire: X.y\r\nTo: <sip:e@f>\r\nRequire: Z\r\n\r\n"));
    expect(message.to).toEqual(["sip:c@d", "sip:e@f"]);
    expect(headersOf(message, "Require")).toEqual(["X.y", "Z"]);
  });
});

describe("malformed", () => {
  test.each(fixturesIn("cpim/malformed"))("%s", (path) => expect(faultOf(() => parseCpim(fixture(path)))).toBe("CPIM_MALFORMED"));

  test("a header above 16 KiB; one of 15 KiB is read", () => {
    const long = (octets: number) => Buffer.from(`From: <sip:a@b>\r\nSubject: ${"x".repeat(octets)}\r\n\r\nContent-Type: text/plain\r\n\r\nHello`);
    expect(contentOf(parseCpim(long(15_000))).toString()).toBe("Hello");
    expect(faultOf(() => parseCpim(long(17_000)))).toBe("CPIM_MALFORMED");
  });
});

test("cut at every octet it is refused or read as headers, and never hangs", () => {
  const octets = fixture("cpim/chat.cpim");
  const contentStart = octets.length - "Hello".length;
  for (let length = 0; length < contentStart; length += 1) {
    const cut = octets.subarray(0, length);
    const fault = faultOf(() => expect(contentOf(parseCpim(cut)).length).toBe(0));
    if (fault !== undefined) expect(fault).toBe("CPIM_MALFORMED");
  }
});

describe("written", () => {
  test("octet for octet the message of the flow", () => {
    const octets = formatCpim({
      from: "sip:alice@home.example",
      to: ["sip:g7f3a91@cf.home.example"],
      dateTime: "2024-05-06T10:11:12+02:00",
      imdn: { "Message-ID": "MsgA1", "Disposition-Notification": "positive-delivery, display" },
      contentType: "text/plain; charset=UTF-8",
      content: Buffer.from("Hello"),
    });
    expect(octets.toString()).toBe(fixture("cpim/chat.cpim").toString());
  });

  test("every line ends with CRLF and no value begins a line of its own", () => {
    const octets = formatCpim({ from: "sip:a@b", to: [], subject: "x\r\nFrom: <sip:mallory@b>\n\r\n", imdn: { "Message-ID": "1\n2" }, contentType: "text/plain", content: Buffer.from("é") });
    expect(octets.toString().replaceAll("\r\n", "")).not.toMatch(/[\r\n]/);
    expect(parseCpim(octets).from).toBe("sip:a@b");
    expect(contentOf(parseCpim(octets)).toString()).toBe("é");
    expect(contentFieldOf(parseCpim(octets), "Content-Length")).toBe("2");
  });
});
