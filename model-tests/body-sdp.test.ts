import { describe, expect, test } from "vitest";
import {
  acceptsType, answerDirection, answerSetup, answerTo, fileInAnswer, formatSdp, isRepeated, messageMedia, nextVersion, octetRange, parseSdp, type MessageMedia, type Origin,
} from "../runtime/body/sdp.ts";
import { faultOf, fixture, fixturesIn } from "./body-fixtures.ts";

const parsed = (name: string) => parseSdp(fixture(`sdp/${name}.sdp`));
const mediaOf = (name: string) => messageMedia(parsed(name));
const origin: Origin = { username: "-", sessionId: "1", sessionVersion: "1", host: "198.51.100.10" };

describe("whole", () => {
  test("the offer of a group file transfer", () => {
    expect(parsed("group-file")).toMatchObject({ origin: { sessionId: "3900000101", host: "192.0.2.1" }, subject: "-", connection: "192.0.2.1" });
    expect(mediaOf("group-file")).toMatchObject({
      port: 9,
      protocol: "TCP/MSRP",
      connection: "192.0.2.1",
      path: ["msrp://192.0.2.1:9/af1;tcp"],
      setup: "active",
      direction: "sendonly",
      acceptTypes: ["message/cpim", "image/jpeg"],
      acceptWrappedTypes: ["image/jpeg", "*"],
      maxSize: 10_485_760,
      msrpCema: false,
      chatroom: undefined,
      file: {
        selector: {
          name: "photo.jpg",
          type: "image/jpeg",
          size: 102_400,
          hashes: [{ hash: "sha-1", value: "F1:8B:92:8D:89:3A:E1:72:A0:00:EF:A1:9B:80:E1:C0:4F:B3:64:14" }],
        },
        transferId: "vBnG916bdberum2fFEABR1FR3ExZMUrd",
        disposition: "render",
        icon: "cid:icon1@alice.home.example",
        range: undefined,
      },
    });
  });

  test("every attribute of a file; a name with what RFC 5547 escapes", () => {
    expect(mediaOf("file-all-attributes").file).toMatchObject({
      selector: { name: '100% "grün".jpg', type: 'image/jpeg;name="a b"' },
      disposition: "attachment",
      date: { creation: "Mon, 15 May 2023 15:01:31 +0300", modification: "Mon, 15 May 2023 16:04:53 +0300", read: undefined },
      range: { start: 0, end: undefined },
    });
  });

  test("file-range 40961-102400 is the octets 40960 up to 102400", () => {
    expect(mediaOf("resumed-by-sender").file?.range).toEqual({ start: 40_960, end: 102_400 });
    expect(octetRange(mediaOf("resumed-by-sender").file!)).toEqual({ start: 40_960, end: 102_400 });
    expect(octetRange(mediaOf("file-all-attributes").file!)).toEqual({ start: 0, end: 102_400 });
    expect(octetRange({ selector: {} })).toBeUndefined();
  });

  test("what the session level says holds for the media; unknown attributes are kept", () => {
    const description = parsed("tls-session-level");
    expect(description).toMatchObject({ origin: { username: "alice", sessionId: "18446744073709551615", host: "host.example" }, subject: "Hiking", attributes: ["x-session:kept"] });
    expect(messageMedia(description)).toMatchObject({
      protocol: "TCP/TLS/MSRP",
      setup: "actpass",
      direction: "recvonly",
      msrpCema: true,
      acceptWrappedTypes: undefined,
      chatroom: ["nickname", "org.3gpp.urn%3Aurn-7%3A3gpp-application.ims.iari.rcs.closedgroupchat"],
      fingerprints: [{ hash: "SHA-1", value: "4A:AD:B9:B1:3F:82:18:3B:54:02:12:DF:3E:5D:49:6B:19:E5:7C:AB" }],
      path: ["msrps://relay.example:2855/r1;tcp", "msrps://192.0.2.1:2855/a1;tcp"],
      attributes: ["x-media:kept, too"],
    });
  });

  test("no s= and no t= line", () => expect(parsed("without-subject").subject).toBe("-"));

  test("IPv6", () => {
    expect(mediaOf("ipv6")).toMatchObject({ connection: "2001:db8::1", path: ["msrp://[2001:db8::1]:9/a1;tcp"] });
    expect(formatSdp(parsed("ipv6")).toString()).toContain("c=IN IP6 2001:db8::1\r\n");
  });

  test("a=chatroom and a=file-selector without a value", () => {
    const text = fixture("sdp/group-creation.sdp").toString();
    const description = parseSdp(Buffer.from(`${text}a=chatroom\r\na=file-selector\r\n`));
    expect(messageMedia(description)).toMatchObject({ chatroom: [], file: { selector: { hashes: [] } } });
    expect(formatSdp(description).toString()).toContain("a=chatroom\r\na=file-selector\r\n");
  });

  test("a size that no number holds exactly is a very large one", () => {
    const text = fixture("sdp/group-creation.sdp").toString().replace("max-size:8192", "max-size:99999999999999999999");
    expect(messageMedia(parseSdp(Buffer.from(text))).maxSize).toBe(Number.MAX_SAFE_INTEGER);
  });
});

test.each(fixturesIn("sdp/malformed"))("%s is refused", (path) => {
  expect(faultOf(() => parseSdp(fixture(path)))).toBe("SDP_MALFORMED");
});

test("a description without open message media answers 488", () => {
  const closed = fixture("sdp/group-file.sdp").toString().replace("m=message 9", "m=message 0");
  const pathless = fixture("sdp/group-file.sdp").toString().replace("a=path:", "a=trail:");
  expect(faultOf(() => messageMedia(parseSdp(Buffer.from(closed))))).toBe("SDP_NO_MESSAGE_MEDIA");
  expect(faultOf(() => messageMedia(parseSdp(Buffer.from(pathless))))).toBe("SDP_NO_MESSAGE_MEDIA");
});

test.each(fixturesIn("sdp"))("%s written is what was read", (path) => {
  const description = parseSdp(fixture(path));
  expect(parseSdp(formatSdp(description))).toEqual(description);
});

test("an offer of ours is octet for octet the one of the flow", () => {
  expect(formatSdp(parsed("group-file")).toString()).toBe(fixture("sdp/group-file.sdp").toString());
});

test("no value can begin a line of its own", () => {
  const media: MessageMedia = {
    ...mediaOf("group-creation"),
    chatroom: ["a\r\nm=message 1 TCP/MSRP *"],
    attributes: ["x\r\na=y"],
    file: { selector: { name: 'a"\r\nb%\0' }, disposition: "render\nv=0" },
  };
  const lines = formatSdp({ origin, subject: "a\r\nb", media: [media] }).toString().split("\r\n");
  expect(lines.every((line) => line === "" || /^[vosctma]=[^\r\n\0]*$/.test(line))).toBe(true);
  expect(lines.filter((line) => line.startsWith("m="))).toHaveLength(1);
  expect(lines).toContain('a=file-selector:name:"a%22%0D%0Ab%25%00"');
});

describe("the answer", () => {
  test("keeps the order of the media lines and gives port 0 to all but the first usable", () => {
    const offer = parsed("several-media");
    const own: MessageMedia = { kind: "message", port: 2855, protocol: "TCP/MSRP", path: ["msrp://198.51.100.10:2855/x;tcp"], direction: "recvonly", acceptTypes: ["*"] };
    const answer = answerTo(offer, { origin, connection: "198.51.100.10" }, own);
    expect(answer.media.map(({ port }) => port)).toEqual([0, 2855, 0, 0]);
    const lines = formatSdp(answer).toString().split("\r\n").filter((line) => line.startsWith("m="));
    expect(lines).toEqual(["m=audio 0 RTP/AVP 0 8", "m=message 2855 TCP/MSRP *", "m=video 0 RTP/AVP 31", "m=message 0 TCP/MSRP *"]);
  });

  test("that rejects still names the file", () => {
    const [media] = answerTo(parsed("group-file"), { origin }).media;
    expect(media).toMatchObject({ port: 0, direction: "recvonly", file: { transferId: "vBnG916bdberum2fFEABR1FR3ExZMUrd", selector: { name: "photo.jpg" } } });
  });

  test("to a push names the file without hash, icon, disposition and dates", () => {
    const { file } = mediaOf("group-file");
    expect(fileInAnswer(file!, "recvonly")).toEqual({
      selector: { name: "photo.jpg", type: "image/jpeg", size: 102_400, hashes: [] },
      transferId: "vBnG916bdberum2fFEABR1FR3ExZMUrd",
      range: undefined,
    });
    const answer = answerTo(parsed("group-file"), { origin }, { ...mediaOf("group-file"), file: fileInAnswer(file!, "recvonly") });
    expect(messageMedia(parseSdp(formatSdp(answer))).file).toEqual(mediaOf("group-file-answer").file);
  });

  test("to a pull repeats the hash, and the range that was asked for", () => {
    const answer = fileInAnswer(mediaOf("resumed-by-receiver").file!, "sendonly");
    expect(answer.selector.hashes).toHaveLength(1);
    expect(answer.range).toEqual({ start: 40_960, end: 102_400 });
  });

  test.each([["active", "passive"], ["actpass", "passive"], ["passive", "active"], ["holdconn", "holdconn"], [undefined, undefined]] as const)("to a=setup:%s is %s", (offered, answered) =>
    expect(answerSetup(offered)).toBe(answered));

  test.each([["sendonly", "recvonly"], ["recvonly", "sendonly"], ["sendrecv", "sendrecv"], ["inactive", "inactive"]] as const)("to %s is %s", (offered, answered) =>
    expect(answerDirection(offered)).toBe(answered));
});

test("a new version is one more, beyond what a number holds; the same is a repetition", () => {
  const last = { ...origin, sessionVersion: "18446744073709551614" };
  expect(nextVersion(last).sessionVersion).toBe("18446744073709551615");
  expect(isRepeated(nextVersion(last), last)).toBe(false);
  expect(isRepeated({ ...last, host: "other" }, last)).toBe(true);
});

test.each([
  ["*", "image/jpeg", true],
  ["*/*", "image/jpeg", true],
  ["image/*", "image/jpeg", true],
  ["image/*", "imagery/jpeg", false],
  ["IMAGE/JPEG", "image/jpeg", true],
  ["image/jpeg", "image/jpeg;name=x", true],
  ["text/plain;charset=utf-8", "text/plain; charset=UTF-8", true],
  ["text/plain;charset=utf-8", "text/plain", false],
  ["text/plain", "text/html", false],
  ["", "text/plain", false],
])("accept-types %s covers %s: %s", (entry, type, covered) => {
  expect(acceptsType(entry.split(" "), type)).toBe(covered);
  expect(acceptsType(["message/cpim", ...entry.split(" ")], type)).toBe(covered);
});
