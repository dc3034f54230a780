/**
 * What CPM Clients say, literally: every request, answer and body that the
 * tests send, with the variable parts (tags, addresses, identities) left open.
 *
 * `Content-Length: ?` is counted when the text is sent. A test that needs
 * another spelling replaces the line in the text before it sends it.
 */
import { createHash } from "node:crypto";
import { crlf, token } from "./stranger.ts";

export const factory = "sip:conference-factory@cpm.example";

/** The feature tag of a CPM service as it stands in Contact and Accept-Contact. */
export const featureTag = (service: string): string => `+g.3gpp.icsi-ref="urn%3Aurn-7%3A3gpp-service.ims.icsi.oma.cpm.${service}"`;

/** Who speaks in a request, and from where. */
export interface Speaker {
  readonly aor: string;
  readonly address: string;
  readonly transport: "udp" | "tcp" | "tls";
  /** The device: `<urn:gsma:imei:…>`. */
  readonly instance: string;
}

const contactUri = (from: Speaker): string =>
  `<sip:${from.aor.slice(4).split("@")[0]}@${from.address}${from.transport === "udp" ? "" : `;transport=${from.transport}`}>`;

export const via = (from: Speaker): string => `Via: SIP/2.0/${from.transport.toUpperCase()} ${from.address};branch=z9hG4bK${token()};rport`;

/** Device and AOR as a registrar learns them, RFC 3261 §10 and RFC 5626 §4; nobody can connect to a device that speaks TLS: it is reached on its own connection. */
export const register = (from: Speaker, expires = 600): string => crlf(`
REGISTER sip:cpm.example SIP/2.0
${via(from)}
Max-Forwards: 70
From: <${from.aor}>;tag=${token()}
To: <${from.aor}>
Call-ID: ${token()}
CSeq: 1 REGISTER
Contact: ${contactUri(from)};+g.3gpp.icsi-ref="urn%3Aurn-7%3A3gpp-service.ims.icsi.oma.cpm.session,urn%3Aurn-7%3A3gpp-service.ims.icsi.oma.cpm.filetransfer";+sip.instance="${from.instance}"${from.transport === "tls" ? ";reg-id=1" : ""}
Supported: path, outbound
Expires: ${expires}
Content-Length: 0

`);

// ------------------------------------------------------------- group sessions

/** The connection line of a path's host. */
const connection = (path: string): string => {
  const bracketed = /\[([^\]]*)\]/.exec(path)?.[1];
  return bracketed === undefined ? "IN IP4 127.0.0.1" : `IN IP6 ${bracketed}`;
};

const protocol = (path: string): string => (path.startsWith("msrps:") ? "TCP/TLS/MSRP" : "TCP/MSRP");

/** The session description of a chat leg, cpm-facts 2.4. */
export const chatSdp = (path: string, setup = "active"): string => crlf(`
v=0
o=- 3900000001 3900000001 ${connection(path)}
s=-
c=${connection(path)}
t=0 0
m=message ${setup === "active" ? 9 : /:(\d+)\//.exec(path)?.[1]} ${protocol(path)} *
a=path:${path}
a=setup:${setup}
a=accept-types:message/cpim application/im-iscomposing+xml
a=accept-wrapped-types:text/plain message/imdn+xml application/im-iscomposing+xml
a=sendrecv
a=max-size:8192
`);

/** A list of recipients, RFC 5366 §4 and RFC 5364 §4. */
export const resourceLists = (recipients: readonly string[]): string => crlf(`
<?xml version="1.0" encoding="UTF-8"?>
<resource-lists xmlns="urn:ietf:params:xml:ns:resource-lists" xmlns:cp="urn:ietf:params:xml:ns:copycontrol">
<list>
${recipients.map((uri) => `<entry uri="${uri}" cp:copyControl="to"/>\n`).join("")}</list>
</resource-lists>
`);

export interface Creation {
  readonly from: Speaker;
  readonly list: readonly string[];
  readonly path: string;
  readonly conversationId: string;
  readonly contributionId: string;
}

/** The creation of a group at the conference factory, cpm-facts 6.1 F1. */
export const creation = ({ from, list, path, conversationId, contributionId }: Creation): string => crlf(`
INVITE ${factory} SIP/2.0
${via(from)}
Max-Forwards: 70
From: <${from.aor}>;tag=${token()}
To: <${factory}>
Call-ID: ${token()}
CSeq: 1 INVITE
Contact: ${contactUri(from)};${featureTag("session")};+sip.instance="${from.instance}"
Accept-Contact: *;${featureTag("session")}
P-Preferred-Service: urn:urn-7:3gpp-service.ims.icsi.oma.cpm.session.group
P-Preferred-Identity: <${from.aor}>
Conversation-ID: ${conversationId}
Contribution-ID: ${contributionId}
Subject: Hiking
Require: recipient-list-invite
Supported: timer
Session-Expires: 1800;refresher=uac
Allow: INVITE, ACK, CANCEL, BYE, UPDATE, PRACK, REFER, MESSAGE, NOTIFY, SUBSCRIBE, OPTIONS
Accept: application/sdp, message/cpim, application/resource-lists+xml, multipart/mixed
User-Agent: CPM-client/OMA2.0
Content-Type: multipart/mixed;boundary=cpm-b1
Content-Length: ?

--cpm-b1
Content-Type: application/sdp

`) + chatSdp(path) + crlf(`
--cpm-b1
Content-Type: application/resource-lists+xml
Content-Disposition: recipient-list

`) + resourceLists(list) + crlf(`
--cpm-b1--
`);

/** Joining or re-joining: an INVITE to the Group Session Identity with the chat tag and no list, cpm-facts 6.4. */
export const joining = (from: Speaker, identity: string, path: string, conversationId: string, contributionId: string): string => crlf(`
INVITE ${identity} SIP/2.0
${via(from)}
Max-Forwards: 70
From: <${from.aor}>;tag=${token()}
To: <${identity}>
Call-ID: ${token()}
CSeq: 1 INVITE
Contact: ${contactUri(from)};${featureTag("session")};+sip.instance="${from.instance}"
Accept-Contact: *;${featureTag("session")}
P-Preferred-Service: urn:urn-7:3gpp-service.ims.icsi.oma.cpm.session.group
Conversation-ID: ${conversationId}
Contribution-ID: ${contributionId}
Supported: timer
Session-Expires: 1800;refresher=uac
Content-Type: application/sdp
Content-Length: ?

`) + chatSdp(path);

/** The header lines of a 200 to an invitation into a chat, cpm-facts 6.1 F5. */
export const chatAnswerLines = (from: Speaker): string => `
Contact: ${contactUri(from)};${featureTag("session")};+sip.instance="${from.instance}"
Content-Type: application/sdp`;

/** A request inside a dialog. */
export interface DialogState {
  readonly callId: string;
  readonly localUri: string;
  readonly localTag: string;
  readonly remoteUri: string;
  readonly remoteTag: string;
  /** The Contact of the other side. */
  readonly target: string;
  /** The way there, RFC 3261 §12.1. */
  readonly routes: readonly string[];
}

/** Any request inside a dialog, RFC 3261 §12.2.1.1. */
export const inDialog = (from: Speaker, dialog: DialogState, method: string, cseq: number, lines = "", body = ""): string => crlf(`
${method} ${dialog.target} SIP/2.0
${via(from)}
Max-Forwards: 70
From: <${dialog.localUri}>;tag=${dialog.localTag}
To: <${dialog.remoteUri}>;tag=${dialog.remoteTag}
Call-ID: ${dialog.callId}
CSeq: ${cseq} ${method}
${dialog.routes.map((route) => `Route: ${route}\n`).join("")}${lines.trim()}${lines.trim() === "" ? "" : "\n"}Content-Length: ?

`) + body;

export const contactLine = (from: Speaker, service = "session"): string =>
  `Contact: ${contactUri(from)};${featureTag(service)};+sip.instance="${from.instance}"`;

/** The subscription to the participant information, cpm-facts 6.1 F7. */
export const subscription = (from: Speaker, identity: string): string => crlf(`
SUBSCRIBE ${identity} SIP/2.0
${via(from)}
Max-Forwards: 70
From: <${from.aor}>;tag=${token()}
To: <${identity}>
Call-ID: ${token()}
CSeq: 1 SUBSCRIBE
Contact: ${contactUri(from)}
Event: conference
Accept: application/conference-info+xml
Expires: 3600
P-Preferred-Service: urn:urn-7:3gpp-service.ims.icsi.oma.cpm.session.group
Content-Length: 0

`);

// -------------------------------------------------------------- the messages

/** A chat message, cpm-facts 6.1 F9. */
export const chatCpim = (from: string, to: string, text: string, messageId = token()): string => crlf(`
From: <${from}>
To: <${to}>
DateTime: 2024-05-06T10:11:12+02:00
NS: imdn <urn:ietf:params:imdn>
imdn.Message-ID: ${messageId}
imdn.Disposition-Notification: positive-delivery, display

Content-Type: text/plain; charset=UTF-8
Content-Length: ${Buffer.byteLength(text)}

`) + text;

/** A disposition notification: "delivered", addressed to the original sender, cpm-facts 6.1 F11. */
export const deliveredCpim = (from: string, to: string, identity: string, messageId: string): string => {
  const imdn = crlf(`
<?xml version="1.0" encoding="UTF-8"?>
<imdn xmlns="urn:ietf:params:xml:ns:imdn">
<message-id>${messageId}</message-id>
<datetime>2024-05-06T10:11:12+02:00</datetime>
<recipient-uri>${from}</recipient-uri>
<original-recipient-uri>${identity}</original-recipient-uri>
<delivery-notification><status><delivered/></status></delivery-notification>
</imdn>
`);
  return crlf(`
From: <${from}>
To: <${to}>
DateTime: 2024-05-06T10:11:13+02:00
NS: imdn <urn:ietf:params:imdn>
imdn.Message-ID: ${token()}

Content-Type: message/imdn+xml
Content-Disposition: notification
Content-Length: ${imdn.length}

`) + imdn;
};

/** An indication that somebody types, cpm-facts 6.1 F12. */
export const composingCpim = (from: string, to: string): string => {
  const composing = crlf(`
<?xml version="1.0" encoding="UTF-8"?>
<isComposing xmlns="urn:ietf:params:xml:ns:im-iscomposing"><state>active</state><contenttype>text/plain</contenttype><refresh>60</refresh></isComposing>
`);
  return crlf(`
From: <${from}>
To: <${to}>
DateTime: 2024-05-06T10:11:20+02:00

Content-Type: application/im-iscomposing+xml
Content-Length: ${composing.length}

`) + composing;
};

// ----------------------------------------------------------------- the files

/** A file and what its sender says of it. */
export interface FileSpecimen {
  readonly name: string;
  readonly octets: Buffer;
  readonly sha1: string;
}

/** A file of that many octets: octet number i, counted from 0, is i mod 251. */
export function specimen(size: number, name = "photo.jpg"): FileSpecimen {
  const octets = Buffer.alloc(size);
  for (let i = 0; i < size; i += 1) octets[i] = i % 251;
  const sha1 = createHash("sha1").update(octets).digest("hex").toUpperCase().replace(/(..)(?!$)/g, "$1:");
  return { name, octets, sha1 };
}

/** The worked example of cpm-facts 6: 102,400 octets. */
export const photo = specimen(102_400);

export const thumbnail = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";

/** The `a=file-selector` line of an offer: it says the hash too. */
export const offeredSelector = (file: FileSpecimen, declaredSize = file.octets.length): string =>
  `a=file-selector:name:"${file.name}" type:image/jpeg size:${declaredSize} hash:sha-1:${file.sha1}`;

export interface FileOffer {
  readonly from: Speaker;
  readonly identity: string;
  readonly path: string;
  readonly file: FileSpecimen;
  readonly conversationId: string;
  readonly contributionId: string;
  readonly fileTransferId: string;
}

/** The part of the transfer's INVITE that asks for disposition notifications, cpm-facts 6.2. */
export const imdnRequest = (from: string, identity: string): string => crlf(`
From: <${from}>
To: <${identity}>
DateTime: 2024-05-06T10:20:00+02:00
NS: imdn <urn:ietf:params:imdn>
imdn.Message-ID: FtA1
imdn.Disposition-Notification: positive-delivery, display
`);

/** A CPM File Transfer INVITE to the Group Session Identity: SDP, IMDN request, thumbnail, and no list; cpm-facts 6.2 F1. */
export const fileOffer = ({ from, identity, path, file, conversationId, contributionId, fileTransferId }: FileOffer): string => crlf(`
INVITE ${identity} SIP/2.0
${via(from)}
Max-Forwards: 70
From: <${from.aor}>;tag=${token()}
To: <${identity}>
Call-ID: ${token()}
CSeq: 1 INVITE
Contact: ${contactUri(from)};${featureTag("filetransfer")};+sip.instance="${from.instance}"
Accept-Contact: *;${featureTag("filetransfer")}
P-Preferred-Service: urn:urn-7:3gpp-service.ims.icsi.oma.cpm.filetransfer.group
Conversation-ID: ${conversationId}
Contribution-ID: ${contributionId}
Supported: timer
Session-Expires: 1800;refresher=uac
Allow: INVITE, ACK, CANCEL, BYE, UPDATE, PRACK, MESSAGE, OPTIONS
Content-Type: multipart/mixed;boundary=ft-b1
Content-Length: ?

--ft-b1
Content-Type: application/sdp

v=0
o=- 3900000101 3900000101 ${connection(path)}
s=-
c=${connection(path)}
t=0 0
m=message 9 ${protocol(path)} *
a=path:${path}
a=setup:active
a=accept-types:message/cpim image/jpeg
a=accept-wrapped-types:image/jpeg *
${offeredSelector(file)}
a=file-transfer-id:${fileTransferId}
a=file-disposition:render
a=file-date:creation:"Mon, 15 May 2006 15:01:31 +0300"
a=file-icon:cid:icon1@alice.cpm.example
a=sendonly
a=max-size:10485760

--ft-b1
Content-Type: message/cpim

`) + imdnRequest(from.aor, identity) + crlf(`

--ft-b1
Content-Type: image/png
Content-Transfer-Encoding: base64
Content-ID: <icon1@alice.cpm.example>
Content-Disposition: icon

${thumbnail}
--ft-b1--
`);

/** The answer of a recipient who takes the file, cpm-facts 6.2 F5; the types are his own. */
export const fileAnswer = (path: string, file: FileSpecimen, fileTransferId: string, types: string): string => crlf(`
v=0
o=- 3900000101 3900000101 ${connection(path)}
s=-
c=${connection(path)}
t=0 0
m=message 9 ${protocol(path)} *
a=path:${path}
a=setup:active
${types.trim()}
a=file-selector:name:"${file.name}" type:image/jpeg size:${file.octets.length}
a=file-transfer-id:${fileTransferId}
a=recvonly
a=max-size:10485760
`);

/** The types of a recipient who takes the file unwrapped or wrapped. */
export const bothTypes = `
a=accept-types:message/cpim image/jpeg
a=accept-wrapped-types:image/jpeg *`;

export const fileAnswerLines = (from: Speaker): string => `
${contactLine(from, "filetransfer")}
Content-Type: application/sdp`;
