import { describe, expect, test } from "vitest";
import { createPart, decodeContent, formatMultipart, multipartType, parseBody, partOfCid } from "../runtime/body/multipart.ts";
import { parseSdp } from "../runtime/body/sdp.ts";
import { faultOf, fixture, fixturesIn } from "./body-fixtures.ts";

const fileTransfer = "multipart/mixed;boundary=ft-b1";
const parsed = (name: string, contentType = fileTransfer) => parseBody({ contentType }, fixture(`multipart/${name}.multipart`));

describe("whole", () => {
  test("the parts of the INVITE of a file transfer", () => {
    const [sdp, cpim, icon, ...rest] = parsed("group-file");
    expect(rest).toEqual([]);
    expect(sdp?.contentType.essence).toBe("application/sdp");
    expect(parseSdp(sdp!.content).media).toHaveLength(1);
    expect(cpim?.contentType.essence).toBe("message/cpim");
    expect(cpim?.content.toString()).toBe(fixture("cpim/group-file.cpim").toString());
    expect(icon).toMatchObject({ contentId: "icon1@alice.home.example", transferEncoding: "base64", disposition: { essence: "icon" } });
    expect(decodeContent(icon!).subarray(1, 4).toString()).toBe("PNG");
  });

  test("the disposition of a recipient history with its parameter", () => {
    const list = parsed("group-invitation", "multipart/mixed; boundary=cpm-b2")[1];
    expect(list?.disposition?.essence).toBe("recipient-list-history");
    expect(list?.disposition?.parameters.get("handling")).toBe("optional");
  });

  test.each(["preamble-and-epilogue", "bare-lf", "padded-delimiter"])("%s has the same parts", (name) => {
    const text = (part: { content: Buffer }) => part.content.toString().replaceAll("\r\n", "\n");
    expect(parsed(name).map(text)).toEqual(parsed("group-file").map(text));
  });

  test("a multipart inside stays one part, a part without a type is plain text", () => {
    expect(parsed("nested").map(({ contentType }) => contentType.essence)).toEqual(["multipart/mixed", "text/plain"]);
  });

  test.each([
    "multipart/mixed;boundary=ft-b1",
    'multipart/mixed; boundary="ft-b1"',
    'Multipart/Mixed ; charset=x ; BOUNDARY = "ft-b1" ; start="<a;b>"',
    'multipart/related;type="a/b; boundary=no";boundary="ft\\-b1"',
  ])("the boundary in %s", (contentType) => expect(parsed("group-file", contentType)).toHaveLength(3));

  test("a body that is not multipart is its own only part", () => {
    const fields = { contentType: "application/resource-lists+xml", disposition: "recipient-list", contentId: "<cn35t8jf02@192.0.2.2>" };
    const parts = parseBody(fields, fixture("resource-lists/refer-several.xml"));
    expect(parts).toHaveLength(1);
    expect(partOfCid(parts, "cid:cn35t8jf02@192.0.2.2")).toBe(parts[0]);
    expect(partOfCid(parts, "cid:cn35t8jf02%40192.0.2.2")).toBe(parts[0]);
    expect(partOfCid(parts, "cid:other@192.0.2.2")).toBeUndefined();
    expect(partOfCid(parts, "http://192.0.2.2")).toBeUndefined();
  });
});

describe("malformed", () => {
  test.each(fixturesIn("multipart/malformed"))("%s", (path) => {
    expect(faultOf(() => parseBody({ contentType: fileTransfer }, fixture(path)))).toBe("MULTIPART_MALFORMED");
  });

  test.each(["multipart/mixed", "multipart/mixed;boundary", "multipart/mixed;boundary=", 'multipart/mixed;boundary=""', `multipart/mixed;boundary=${"b".repeat(201)}`])(
    "%.50s",
    (contentType) => expect(faultOf(() => parsed("group-file", contentType))).toBe("MULTIPART_MALFORMED"),
  );

  test("more parts than 32", () => {
    const body = Buffer.from(`${"--b\r\n\r\nx\r\n".repeat(33)}--b--\r\n`);
    expect(faultOf(() => parseBody({ contentType: "multipart/mixed;boundary=b" }, body))).toBe("MULTIPART_MALFORMED");
    expect(parseBody({ contentType: "multipart/mixed;boundary=b" }, body.subarray(10))).toHaveLength(32);
  });

  test("header fields above 8 KiB", () => {
    const body = Buffer.from(`--b\r\nA: ${"x".repeat(9000)}\r\nB: y\r\n\r\nx\r\n--b--\r\n`);
    expect(faultOf(() => parseBody({ contentType: "multipart/mixed;boundary=b" }, body))).toBe("MULTIPART_MALFORMED");
  });
});

describe("written", () => {
  test("a part passes octet for octet, whatever is in it", () => {
    const parts = parsed("group-file");
    const again = parseBody({ contentType: multipartType("other") }, formatMultipart(parts, "other"));
    expect(again.map(({ raw }) => raw.toString("latin1"))).toEqual(parts.map(({ raw }) => raw.toString("latin1")));
    expect(formatMultipart(parts, "ft-b1").toString("latin1")).toBe(fixture("multipart/group-file.multipart").toString("latin1"));
  });

  test("a part of ours is read back", () => {
    const octets = Buffer.from([0, 255, 13, 10, 45, 45, 98]);
    const part = createPart({ contentType: "image/png", disposition: "icon", contentId: "<a@b>", transferEncoding: "binary" }, octets);
    const [again] = parseBody({ contentType: multipartType("72randombits") }, formatMultipart([part], "72randombits"));
    expect(again).toEqual(part);
    expect(decodeContent(again!)).toEqual(octets);
  });

  test("no value can begin a field of its own", () => {
    expect(createPart({ contentType: "text/plain\r\nX: y" }, Buffer.alloc(0)).raw.toString()).toBe("Content-Type: text/plain  X: y\r\n\r\n");
  });
});

test("transfer encodings", () => {
  const decoded = (transferEncoding: string, text: string) => decodeContent(createPart({ contentType: "text/plain", transferEncoding }, Buffer.from(text))).toString();
  expect(decoded("BASE64", "SGVs\r\nbG8=\r\n")).toBe("Hello");
  expect(decoded("quoted-printable", "Gr=C3=BC=\r\n=C3=9Fe =zz =")).toBe("Grüße =zz =");
  expect(decoded("8bit", "é")).toBe("é");
  expect(faultOf(() => decoded("x-uuencode", "x"))).toBe("MULTIPART_MALFORMED");
});
