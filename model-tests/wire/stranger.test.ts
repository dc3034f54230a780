import { createHash } from "node:crypto";
import { expect, test } from "vitest";
import { bothTypes, chatCpim, creation, fileAnswer, fileOffer, photo, thumbnail, type Speaker } from "./octets.ts";
import { MsrpFramer, SipText, counted, crlf, frame, okTo, response } from "./stranger.ts";

/** The stranger itself is checked first: an instrument that is wrong finds nothing. */

const alice: Speaker = { aor: "sip:alice@cpm.example", address: "127.0.0.1:5070", transport: "tcp", instance: "<urn:gsma:imei:35824005-000001-0>" };
const heard = (text: string): SipText => new SipText(counted(text), () => {});

test("the photo is the worked example's: SHA-1 of octet i mod 251, 102,400 octets", () => {
  expect(photo.sha1).toBe("F1:8B:92:8D:89:3A:E1:72:A0:00:EF:A1:9B:80:E1:C0:4F:B3:64:14");
  expect(createHash("sha1").update(photo.octets).digest("hex")).toBe("f18b928d893ae172a000efa19b80e1c04fb36414");
});

test("MSRP frames are cut the same whole and split at every octet", () => {
  const octets = Buffer.concat([
    frame("MSRP a1 SEND", "To-Path: msrp://h:1/x;tcp\nFrom-Path: msrp://h:2/y;tcp\nMessage-ID: m\nByte-Range: 1-5/5\nContent-Type: text/plain", "a\r\n\r\nb"),
    frame("MSRP a2 200 OK", "To-Path: msrp://h:2/y;tcp\nFrom-Path: msrp://h:1/x;tcp", undefined),
    frame("MSRP a3 SEND", "To-Path: msrp://h:1/x;tcp\nFrom-Path: msrp://h:2/y;tcp\nMessage-ID: m2\nContent-Type: text/plain", "--a3", "+"),
  ]);
  const cut = (pieces: Buffer[]): string[] => {
    const framer = new MsrpFramer();
    return pieces.flatMap((piece) => framer.push(piece)).map((one) => `${one.startLine}|${one.body.toString()}|${one.flag}`);
  };
  const whole = ["MSRP a1 SEND|a\r\n\r\nb|$", "MSRP a2 200 OK||$", "MSRP a3 SEND|--a3|+"];
  expect(cut([octets])).toEqual(whole);
  for (let at = 1; at < octets.length; at += 1) expect(cut([octets.subarray(0, at), octets.subarray(at)])).toEqual(whole);
});

test("an MSRP response changes the paths' places and keeps the transaction id", () => {
  const [send] = new MsrpFramer().push(frame("MSRP t1 SEND", "To-Path: msrp://h:1/x;tcp\nFrom-Path: msrp://h:2/y;tcp\nMessage-ID: m", undefined));
  expect(okTo(send!).toString()).toBe(crlf(`
MSRP t1 200 OK
To-Path: msrp://h:2/y;tcp
From-Path: msrp://h:1/x;tcp
-------t1$
`));
});

test("a response repeats Via, From, Call-ID and CSeq, and tags To", () => {
  const request = heard(crlf(`
BYE sip:bob@127.0.0.1:5071 SIP/2.0
Via: SIP/2.0/TCP 127.0.0.1:5060;branch=z9hG4bK1
Via: SIP/2.0/TCP 127.0.0.1:5061;branch=z9hG4bK0
From: <sip:g@cpm.example>;tag=f
To: <sip:bob@cpm.example>
Call-ID: c
CSeq: 2 BYE
Content-Length: 0

`));
  expect(response(request, "200 OK", "b", "\nServer: x")).toBe(crlf(`
SIP/2.0 200 OK
Via: SIP/2.0/TCP 127.0.0.1:5060;branch=z9hG4bK1
Via: SIP/2.0/TCP 127.0.0.1:5061;branch=z9hG4bK0
From: <sip:g@cpm.example>;tag=f
To: <sip:bob@cpm.example>;tag=b
Call-ID: c
CSeq: 2 BYE
Server: x
Content-Length: 0

`));
});

test("the creation has an SDP and a list, and no bare line feed", () => {
  const invite = heard(creation({ from: alice, list: ["sip:bob@cpm.example"], path: "msrp://127.0.0.1:9/a;tcp", conversationId: "v", contributionId: "c" }));
  expect(invite.octets).not.toMatch(/[^\r]\n/);
  expect(Number(invite.header("Content-Length"))).toBe(invite.body.length);
  expect(invite.parts.map((part) => part.head.split("\r\n")[0])).toEqual(["Content-Type: application/sdp", "Content-Type: application/resource-lists+xml"]);
  expect(invite.attribute("path")).toBe("msrp://127.0.0.1:9/a;tcp");
  expect(invite.part("application/resource-lists+xml")).toContain('<entry uri="sip:bob@cpm.example" cp:copyControl="to"/>');
});

test("the file offer has an SDP, the IMDN request and the thumbnail, and no list", () => {
  const invite = heard(fileOffer({ from: alice, identity: "sip:g@cpm.example", path: "msrp://127.0.0.1:9/a;tcp", file: photo, conversationId: "v", contributionId: "c", fileTransferId: "f" }));
  expect(invite.octets).not.toMatch(/[^\r]\n/);
  expect(invite.octets).not.toMatch(/resource-lists|recipient-list/);
  expect(invite.parts.map((part) => part.head.split("\r\n")[0])).toEqual(["Content-Type: application/sdp", "Content-Type: message/cpim", "Content-Type: image/png"]);
  expect(invite.sdp).toContain('a=file-selector:name:"photo.jpg" type:image/jpeg size:102400 hash:sha-1:F1:8B:92:8D:89:3A:E1:72:A0:00:EF:A1:9B:80:E1:C0:4F:B3:64:14');
  expect(invite.part("image/png")).toBe(thumbnail);
});

test("a chat message counts its content in octets, and a file answer is free of what RFC 5547 keeps out of answers", () => {
  expect(chatCpim("sip:a@cpm.example", "sip:g@cpm.example", "Grüße")).toContain("Content-Length: 7\r\n\r\nGrüße");
  expect(fileAnswer("msrp://127.0.0.1:9/b;tcp", photo, "f", bothTypes)).not.toMatch(/file-icon|file-disposition|file-date|hash/);
});
