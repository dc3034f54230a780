/**
 * The acceptance list of the CPM File Transfer in a Group Session (CPM-CR §9.3.1),
 * on the wire: Alice, Bob and Carol are in a group; Alice offers a file to the
 * Group Session Identity; what each of them hears is stated in octets.
 */
import { expect } from "vitest";
import { bothTypes, featureTag, imdnRequest, offeredSelector, photo, specimen, thumbnail, type FileSpecimen } from "./octets.ts";
import { Sending, focus, receivesFile, sendsFile, type Device, type Group, type Leg, type Offer, type Scene } from "./scene.ts";
import { SipText, crlf, frame, sha256, token } from "./stranger.ts";

const anyInvite = "INVITE ";
const fileTag = featureTag("filetransfer");
const acceptTypesOnly = "a=accept-types:image/jpeg";
const foreignTypes = "a=accept-types:text/plain";

/** Alice's offer is on its way and has reached Bob and Carol. */
async function offered(group: Group, alice: Device, bob: Device, carol: Device, file = photo): Promise<{ offer: Offer; request: string; toBob: SipText; toCarol: SipText }> {
  const offer = alice.offer(group, file);
  const request = alice.send(offer.text);
  const [toBob, toCarol] = await Promise.all([bob.isOffered(), carol.isOffered()]);
  return { offer, request, toBob, toCarol };
}

/** The sender's INVITE was answered 200: acknowledged, connected, bound. */
async function accepted(alice: Device, request: string, offer: Offer): Promise<Leg> {
  const ok = await alice.sip.finalTo(request);
  expect(ok.startLine).toBe("SIP/2.0 200 OK");
  return await alice.established(ok, offer.path);
}

/** The chat of the group still carries a message from one to all others. */
async function chatsOn(from: Device, ...to: Device[]): Promise<void> {
  const text = `still here ${token()}`;
  expect((await from.says(text)).startLine).toMatch(/ 200 OK$/);
  await Promise.all(to.map((one) => one.chat.hears(text)));
}

async function wholeFile(leg: Leg, file: FileSpecimen = photo): Promise<void> {
  const received = await receivesFile(leg);
  expect(received.flag).toBe("$");
  expect(received.octets.length).toBe(file.octets.length);
  expect(sha256(received.octets)).toBe(sha256(file.octets));
}

/** The photo wrapped in CPIM, as one MSRP message. */
const wrappedPhoto = (alice: Device, group: Group): Buffer =>
  Buffer.concat([
    Buffer.from(
      crlf(`
From: <${alice.aor}>
To: <${group.identity}>
DateTime: 2024-05-06T10:20:00+02:00

Content-Type: image/jpeg
Content-Length: 102400

`),
    ),
    photo.octets,
  ]);

focus("CPM File Transfer in the group session is supported", { policies: { maxFileOctets: 4_000_000 } }, (conversation) => {
  conversation("item 1: the CPM File Transfer goes to everybody else, without any list, and arrives octet by octet [CPM-CR §9.3.1, RFC 3261 §15.1.1, §15.1.2, RFC 5547 §8.3.1, §8.4]", async (scene) => {
    const { group, alice, bob, carol } = await scene.trio();

    const offer = alice.offer(group);
    const request = alice.send(offer.text);
    const toBob = await bob.isOffered();
    const toCarol = await carol.isOffered();

    for (const [person, invite] of [[bob, toBob], [carol, toCarol]] as const) {
      // CPM-CONV §9.1.2 step 3: who is invited, by whom, into what.
      expect(invite.header("To")).toBe(`<${person.aor}>`);
      expect(invite.header("Conversation-ID")).toBe(group.conversationId);
      expect(invite.header("Contribution-ID")).toBe(offer.contributionId);
      expect(invite.header("Contact")).toMatch(/^<[^>]*>;/);
      expect(invite.uri("Contact")).toBe(group.identity);
      expect(invite.header("Contact")).toContain(";isfocus");
      expect(invite.header("Contact")).toContain(fileTag);
      expect(invite.header("Accept-Contact")).toContain(fileTag);
      expect(invite.header("P-Asserted-Service")).toBe("urn:urn-7:3gpp-service.ims.icsi.oma.cpm.filetransfer.group");
      expect(invite.header("Referred-By")).toContain(`<${alice.aor}>`);

      // CPM-CR §9.3.1 clarification 2: steps 3 b, c, d and 4 are skipped. Not a part, not a token.
      expect(invite.octets.toLowerCase()).not.toContain("resource-lists");
      expect(invite.octets.toLowerCase()).not.toContain("recipient-list");
      expect(invite.headers("Require").join()).not.toMatch(/list/i);
      expect(invite.parts.map((part) => /Content-Type: ([^;\r]+)/i.exec(part.head)?.[1])).toEqual(["application/sdp", "message/cpim", "image/png"]);

      // RFC 5547 §6: the file's attributes as Alice wrote them.
      const sdp = invite.sdp;
      expect(sdp).toContain('a=file-selector:name:"photo.jpg" type:image/jpeg size:102400 hash:sha-1:F1:8B:92:8D:89:3A:E1:72:A0:00:EF:A1:9B:80:E1:C0:4F:B3:64:14');
      expect(sdp).toContain(`a=file-transfer-id:${offer.fileTransferId}`);
      expect(sdp).toContain("a=file-disposition:render");
      expect(sdp).toContain('a=file-date:creation:"Mon, 15 May 2006 15:01:31 +0300"');
      expect(sdp).toContain("a=file-icon:cid:icon1@alice.cpm.example");
      expect(sdp).toContain("a=sendonly");
      expect(invite.attribute("accept-types")).toContain("image/jpeg");

      // The focus speaks MSRP itself: its own path, at its one listening port, and nothing of Alice's.
      expect(invite.attribute("path")).toMatch(new RegExp(`^msrp://127\\.0\\.0\\.1:${scene.focus.address.msrp}/[^;]{16,};tcp$`));
      expect(invite.octets).not.toContain(offer.path);

      // The request for disposition notifications and the thumbnail, as Alice wrote them.
      expect(invite.part("message/cpim").trim()).toBe(imdnRequest(alice.aor, group.identity).trim());
      const icon = invite.parts.find((part) => part.head.includes("image/png"))!;
      expect(icon.content.trim()).toBe(thumbnail);
      expect(icon.head).toMatch(/Content-Transfer-Encoding: base64/i);
      expect(icon.head).toContain("<icon1@alice.cpm.example>");
      expect(icon.head).toMatch(/Content-Disposition: icon/i);
    }
    expect(toBob.attribute("path")).not.toBe(toCarol.attribute("path"));

    const toBobLeg = await bob.takes(toBob, photo);
    const toCarolLeg = await carol.takes(toCarol, photo);

    // RFC 5547 §6: what an answer repeats, and what it does not.
    const ok = await alice.sip.finalTo(request);
    expect(ok.startLine).toBe("SIP/2.0 200 OK");
    expect(ok.uri("Contact")).toBe(group.identity);
    expect(ok.header("Contact")).toContain(";isfocus");
    expect(ok.header("Contact")).toContain(fileTag);
    expect(ok.sdp).toContain("a=recvonly");
    expect(ok.attribute("file-transfer-id")).toBe(offer.fileTransferId);
    expect(ok.attribute("file-selector")).toMatch(/^name:"photo\.jpg" type:image\/jpeg size:102400/);
    expect(ok.octets).not.toMatch(/file-icon|file-disposition|file-date/);

    const sender = await alice.established(ok, offer.path);
    await Promise.all([sendsFile(sender, photo), wholeFile(toBobLeg), wholeFile(toCarolLeg)]);

    expect((await sender.dialog.end('SIP;cause=200;text="Call completed"')).startLine).toBe("SIP/2.0 200 OK");
    expect((await toBobLeg.dialog.hearsBye()).header("Reason")).toBe('SIP;cause=200;text="Call completed"');
    expect((await toCarolLeg.dialog.hearsBye()).header("Reason")).toBe('SIP;cause=200;text="Call completed"');

    // Exactly n-1 INVITEs, none to the sender; the chat's dialogs are others and go on.
    for (const person of [alice, bob, carol]) await person.sip.hearsNothing(anyInvite, 60);
    await chatsOn(bob, alice, carol);
  });

  conversation("item 1: the type travels: an MSRP SEND to a recipient carries the file's own Content-Type, a new Message-ID and the recipient's own paths [CPM-CR §9.3.1, RFC 4975 §7.1.1, §7.3.1]", async (scene) => {
    const { group, alice, bob, carol } = await scene.trio();
    const { offer, request, toBob, toCarol } = await offered(group, alice, bob, carol);
    carol.declines(toCarol);
    const toBobLeg = await bob.takes(toBob, photo);
    const sender = await accepted(alice, request, offer);
    const sending = new Sending(sender, photo);
    await sending.upTo(8_192);
    const first = await toBobLeg.msrp.hears("SEND");
    expect(first.header("To-Path")).toBe(toBobLeg.fromPath);
    expect(first.header("From-Path")).toBe(toBobLeg.toPath);
    expect(first.header("Content-Type")).toBe("image/jpeg");
    expect(first.header("Byte-Range")).toMatch(/^1-(\d+|\*)\/102400$/);
    expect(first.body.subarray(0, 8).toString("hex")).toBe("0001020304050607");
    await sending.toItsEnd();
  });

  conversation("item 2, acceptTypes: a recipient that indicated no wrapped types is judged by a=accept-types; Carol's text/plain is left out, Bob gets the file [CPM-CR §9.3.1]", async (scene) => {
    const { group, alice, bob, carol } = await scene.trio();
    const { offer, request, toBob, toCarol } = await offered(group, alice, bob, carol);
    const toBobLeg = await bob.takes(toBob, photo);
    const carols = carol.answersFile(toCarol, photo, foreignTypes);
    await carol.sip.hears("ACK ");
    await carols.hearsBye();
    const sender = await accepted(alice, request, offer);
    await Promise.all([sendsFile(sender, photo), wholeFile(toBobLeg)]);
    await chatsOn(carol, alice, bob);
  });

  for (const [spelling, types] of [["the file's type", acceptTypesOnly], ["everything", "a=accept-types:*"], ["the file's top-level type", "a=accept-types:image/*"]] as const) {
    conversation(`item 2, acceptTypes: Carol indicates no wrapped types and accepts ${spelling} unwrapped: she gets the file [CPM-CR §9.3.1]`, async (scene) => {
      const { group, alice, bob, carol } = await scene.trio();
      const { offer, request, toBob, toCarol } = await offered(group, alice, bob, carol);
      bob.declines(toBob);
      const toCarolLeg = await carol.takes(toCarol, photo, types);
      const sender = await accepted(alice, request, offer);
      await Promise.all([sendsFile(sender, photo), wholeFile(toCarolLeg)]);
    });
  }

  conversation("item 2, acceptTypes: a file wrapped in CPIM reaches Carol, who accepts image/jpeg and nothing that wraps it, without its wrapper [CPM-CR §9.3.1]", async (scene) => {
    const { group, alice, bob, carol } = await scene.trio();
    const { offer, request, toBob, toCarol } = await offered(group, alice, bob, carol);
    const [toBobLeg, toCarolLeg] = await Promise.all([bob.takes(toBob, photo, bothTypes), carol.takes(toCarol, photo, acceptTypesOnly)]);
    const sender = await accepted(alice, request, offer);
    const wrapped = wrappedPhoto(alice, group);
    expect((await sender.says(wrapped)).startLine).toMatch(/ 200 OK$/);
    const bobs = await receivesFile(toBobLeg);
    expect(bobs.contentType).toBe("message/cpim");
    expect(sha256(bobs.octets)).toBe(sha256(wrapped));
    const carols = await receivesFile(toCarolLeg);
    expect(carols.contentType).toBe("image/jpeg");
    expect(sha256(carols.octets)).toBe(sha256(photo.octets));
  });

  conversation("item 4: an INVITE to the identity with the chat's feature tag is a join, and nobody is offered anything [CPM-CR §9.3.1]", async (scene) => {
    const { group, bob, carol } = await scene.trio();
    const tablet = await scene.device("alice");
    await tablet.joins(group);
    for (const person of [bob, carol]) await person.sip.hearsNothing(anyInvite);
    await bob.says("welcome back");
    await tablet.chat.hears("welcome back");
  });

  conversation("item 5: an identity that nobody allocated is 404 Not Found [CPM-CR §9.3.1, RFC 3261 §21.4.5]", async (scene) => {
    const { group, alice, bob, carol } = await scene.trio();
    const unknown = { ...group, identity: group.identity.replace(/^sip:[^@]*/, "sip:nobody-knows-this-group") };
    const answer = await alice.asks(alice.offer(unknown).text);
    expect(answer.startLine).toBe("SIP/2.0 404 Not Found");
    for (const person of [bob, carol]) await person.sip.hearsNothing(anyInvite);
  });

  conversation("item 5: a group that has ended answers 404 or 410, and nobody is invited [CPM-CR §9.3.1]", async (scene) => {
    const { group, alice, bob, carol } = await scene.trio();
    const completed = 'SIP;cause=200;text="Call completed"';
    await bob.chat.dialog.end(completed);
    await carol.chat.dialog.end(completed);
    await alice.chat.dialog.hearsBye();
    const answer = await alice.asks(alice.offer(group).text);
    expect([404, 410]).toContain(answer.status);
    for (const person of [bob, carol]) await person.sip.hearsNothing(anyInvite);
  });

  conversation('item 6: a stranger gets 403 "127 Service not authorised", and nobody is invited [CPM-CR §9.3.1]', async (scene) => {
    const { group, alice, bob, carol } = await scene.trio();
    const dave = await scene.device("dave");
    const answer = await dave.asks(dave.offer(group).text);
    expect(answer.startLine).toBe("SIP/2.0 403 Forbidden");
    expect(answer.header("Warning")).toMatch(/^399 \S+ "127 Service not authorised"$/);
    for (const person of [alice, bob, carol]) await person.sip.hearsNothing(anyInvite);
  });

  conversation('item 6: a member who is not in the session at the moment gets 403 "127 Service not authorised", and nobody is invited [CPM-CR §9.3.1]', async (scene) => {
    const { group, alice, bob, carol } = await scene.trio();
    await alice.chat.dialog.end('SIP;cause=480;text="Bearer unavailable"');
    const answer = await alice.asks(alice.offer(group).text);
    expect(answer.startLine).toBe("SIP/2.0 403 Forbidden");
    expect(answer.header("Warning")).toMatch(/^399 \S+ "127 Service not authorised"$/);
    for (const person of [alice, bob, carol]) await person.sip.hearsNothing(anyInvite, 60);
  });

  conversation('item 7: one octet above the limit is 403 "133 Size exceeded" before anybody is invited; the limit itself is offered [CPM-CR §4.2]', async (scene) => {
    const { group, alice, bob, carol } = await scene.trio();
    const tooLarge = alice.offer(group).text.replace(offeredSelector(photo), offeredSelector(photo, 4_000_001));
    const answer = await alice.asks(tooLarge);
    expect(answer.startLine).toBe("SIP/2.0 403 Forbidden");
    expect(answer.header("Warning")).toMatch(/^399 \S+ "133 Size exceeded"$/);
    for (const person of [bob, carol]) await person.sip.hearsNothing(anyInvite);

    alice.send(alice.offer(group).text.replace(offeredSelector(photo), offeredSelector(photo, 4_000_000)));
    for (const person of [bob, carol]) expect((await person.isOffered()).attribute("file-selector")).toContain(" size:4000000 ");
  });

  conversation("item 7: octets beyond the announced size are refused with 413 and end the transfer; nobody gets a whole file [RFC 4975 §10.5, RFC 5547 §8.3.1]", async (scene) => {
    const { group, alice, bob, carol } = await scene.trio();
    const offer = alice.offer(group);
    const request = alice.send(offer.text.replace(offeredSelector(photo), offeredSelector(photo, 8_192)));
    const [toBob, toCarol] = await Promise.all([bob.isOffered(), carol.isOffered()]);
    carol.declines(toCarol);
    const toBobLeg = await bob.takes(toBob, photo);
    const sender = await accepted(alice, request, offer);
    const tid = token();
    await sender.msrp.says(frame(`MSRP ${tid} SEND`, `${sender.paths}\nMessage-ID: lie\nByte-Range: 1-16384/*\nFailure-Report: yes\nContent-Type: image/jpeg`, photo.octets.subarray(0, 16_384), "$"));
    expect((await sender.msrp.answerTo(tid)).startLine).toMatch(/ 413 /);
    await toBobLeg.dialog.hearsBye();
    await toBobLeg.msrp.hearsNothing((one) => one.startLine.endsWith(" SEND") && one.flag === "$", 60);
  });

  conversation("item 8: everybody declines: 603 Decline to the sender, and no MSRP session is left for anybody [RFC 3261 §13.2.2.3, §13.3.1.3, §21.6.2, RFC 4975 §10.8]", async (scene) => {
    const { group, alice, bob, carol } = await scene.trio();
    const { request, toBob, toCarol } = await offered(group, alice, bob, carol);
    bob.declines(toBob);
    await alice.sip.hearsNothing((one) => one.status >= 200, 100);
    carol.declines(toCarol);
    expect((await alice.sip.finalTo(request)).startLine).toBe("SIP/2.0 603 Decline");

    const msrp = await bob.connects(toBob.attribute("path"));
    const tid = token();
    await msrp.says(frame(`MSRP ${tid} SEND`, `To-Path: ${toBob.attribute("path")}\nFrom-Path: ${bob.path()}\nMessage-ID: m`, undefined));
    expect((await msrp.answerTo(tid)).startLine).toMatch(/ 481 /);
    await chatsOn(alice, bob, carol);
  });

  const deaths: [string, (leg: Leg) => Promise<void> | void][] = [
    ["loses its connection", (leg) => leg.msrp.cut()],
    ["says BYE", async (leg) => void (await leg.dialog.end())],
    ["answers 413", async (leg) => {
      leg.msrp.polite = false;
      const send = await leg.msrp.hears("SEND");
      await leg.msrp.says(frame(`MSRP ${send.tid} 413 Unwanted`, leg.paths, undefined));
    }],
  ];
  for (const [death, dies] of deaths) {
    conversation(`item 9: Carol's leg ${death} mid-way: Bob gets the whole file, Alice is not disturbed, Carol's chat goes on [RFC 5547 §8.4]`, async (scene) => {
      const { group, alice, bob, carol } = await scene.trio();
      const { offer, request, toBob, toCarol } = await offered(group, alice, bob, carol);
      const [toBobLeg, toCarolLeg] = await Promise.all([bob.takes(toBob, photo), carol.takes(toCarol, photo)]);
      const sender = await accepted(alice, request, offer);
      const sending = new Sending(sender, photo);
      const bobs = wholeFile(toBobLeg);
      await sending.upTo(3 * 8_192);
      await dies(toCarolLeg);
      await sending.toItsEnd();
      await bobs;
      expect((await sender.dialog.end('SIP;cause=200;text="Call completed"')).status).toBe(200);
      expect((await toBobLeg.dialog.hearsBye()).header("Reason")).toBe('SIP;cause=200;text="Call completed"');
      await chatsOn(alice, bob, carol);
    });
  }

  conversation("item 10: the sender's BYE right after the last octet truncates nobody: a receiver that reads nothing until then still gets every octet [RFC 5547 §8.4]", async (scene) => {
    const { group, alice, bob, carol } = await scene.trio();
    const large = specimen(3_000_000, "large.jpg");
    const { offer, request, toBob, toCarol } = await offered(group, alice, bob, carol, large);
    const [toBobLeg, toCarolLeg] = await Promise.all([bob.takes(toBob, large), carol.takes(toCarol, large)]);
    const sender = await accepted(alice, request, offer);

    toBobLeg.msrp.pause();
    await Promise.all([sendsFile(sender, large, 65_536), wholeFile(toCarolLeg, large)]);
    expect((await sender.dialog.end('SIP;cause=200;text="Call completed"')).startLine).toBe("SIP/2.0 200 OK");
    sender.msrp.close();
    await toBobLeg.dialog.hearsNoBye();

    toBobLeg.msrp.resume();
    await wholeFile(toBobLeg, large);
    expect((await toBobLeg.dialog.hearsBye()).header("Reason")).toBe('SIP;cause=200;text="Call completed"');
  });

  conversation("item 10: a recipient that accepts after the upload has ended is served from the spool [CPM-CR §9.3.1]", async (scene) => {
    const { group, alice, bob, carol } = await scene.trio();
    const { offer, request, toBob, toCarol } = await offered(group, alice, bob, carol);
    const toBobLeg = await bob.takes(toBob, photo);
    const sender = await accepted(alice, request, offer);
    await Promise.all([sendsFile(sender, photo), wholeFile(toBobLeg)]);
    await sender.dialog.end('SIP;cause=200;text="Call completed"');
    const toCarolLeg = await carol.takes(toCarol, photo);
    await wholeFile(toCarolLeg);
    await toCarolLeg.dialog.hearsBye();
  });

  const losses: [string, (sending: Sending) => Promise<void> | void][] = [
    ["loses its connection", ({ leg }) => leg.msrp.cut()],
    ["says BYE", async ({ leg }) => void (await leg.dialog.end())],
    ["aborts the message with #", async (sending) => {
      const { leg, messageId } = sending;
      await leg.msrp.says(frame(`MSRP ${token()} SEND`, `${leg.paths}\nMessage-ID: ${messageId}\nByte-Range: 24577-*/102400\nContent-Type: image/jpeg`, "", "#"));
    }],
  ];
  for (const [loss, goes] of losses) {
    conversation(`item 11: the sender ${loss} mid-way: the receivers' message never ends with $, and their dialogs end [RFC 4975 §7.1.1, RFC 5547 §8.4, RFC 7701 §6.1]`, async (scene) => {
      const { group, alice, bob, carol } = await scene.trio();
      const { offer, request, toBob, toCarol } = await offered(group, alice, bob, carol);
      const legs = await Promise.all([bob.takes(toBob, photo), carol.takes(toCarol, photo)]);
      const sender = await accepted(alice, request, offer);
      const sending = new Sending(sender, photo);
      await sending.upTo(3 * 8_192);
      for (const leg of legs) await leg.msrp.hears((one) => one.startLine.endsWith(" SEND") && one.flag === "+" || one.flag === "#");
      await goes(sending);
      for (const leg of legs) {
        await leg.dialog.hearsBye();
        await leg.msrp.hearsNothing((one) => one.startLine.endsWith(" SEND") && one.flag === "$", 20);
      }
      await chatsOn(bob, carol);
    });
  }

  conversation("item 11: a receiver's resume (a=recvonly to the identity) is not offered to anybody, and is refused [CPM-CR §9.3.1]", async (scene) => {
    const { group, alice, bob, carol } = await scene.trio();
    const pull = bob.offer(group).text.replace("a=sendonly", "a=file-range:40961-102400\r\na=recvonly");
    const answer = await bob.asks(pull);
    expect([403, 404, 488]).toContain(answer.status);
    for (const person of [alice, carol]) await person.sip.hearsNothing(anyInvite);
  });

  conversation("item 12: an INVITE retransmitted over UDP is one transfer, with one answer", async (scene) => {
    const { group, alice, bob, carol } = await scene.trio();
    const offer = alice.offer(group);
    const overUdp = offer.text.replace("SIP/2.0/TCP", "SIP/2.0/UDP");
    const request = alice.sip.send(overUdp, "udp");
    alice.sip.send(overUdp, "udp");
    alice.sip.send(overUdp, "udp");
    const toBob = await bob.isOffered();
    await carol.isOffered();
    alice.sip.send(overUdp, "udp");
    await bob.takes(toBob, photo);
    const ok = await alice.sip.finalTo(request);
    expect(ok.status).toBe(200);
    alice.sip.send(overUdp, "udp");
    for (const person of [bob, carol]) await person.sip.hearsNothing(anyInvite);
    await alice.sip.hearsNothing((one) => one.status >= 200 && one.octets !== ok.octets, 60);
  });

  conversation("item 12: a second INVITE with the Contribution-ID and file-transfer-id of a running transfer is refused, 482, and offered to nobody [CPM-CR §9.3.1]", async (scene) => {
    const { group, alice, bob, carol } = await scene.trio();
    const { offer, request, toBob } = await offered(group, alice, bob, carol);
    const again = offer.text
      .replace(/branch=z9hG4bK\w+/, `branch=z9hG4bK${token()}`)
      .replace(/\r\nCall-ID: \w+/, `\r\nCall-ID: ${token()}`)
      .replace(/;tag=\w+/, `;tag=${token()}`);
    expect((await alice.asks(again)).startLine).toBe("SIP/2.0 482 Loop Detected");
    for (const person of [bob, carol]) await person.sip.hearsNothing(anyInvite);

    const toBobLeg = await bob.takes(toBob, photo);
    const sender = await accepted(alice, request, offer);
    await Promise.all([sendsFile(sender, photo), wholeFile(toBobLeg)]);
  });

  conversation("item 12: the same request by a second path (RFC 3261 §8.2.2.2, merged) is 482 and offered to nobody", async (scene) => {
    const { group, alice, bob, carol } = await scene.trio();
    const { offer } = await offered(group, alice, bob, carol);
    const merged = await alice.asks(offer.text.replace(/branch=z9hG4bK\w+/, `branch=z9hG4bK${token()}`));
    expect(merged.startLine).toMatch(/^SIP\/2\.0 482 /);
    for (const person of [bob, carol]) await person.sip.hearsNothing(anyInvite);
  });

  conversation("a CANCEL while nobody has answered: 487 to the sender, CANCEL to everybody [RFC 3261 §9.1, §9.2]", async (scene) => {
    const { group, alice, bob, carol } = await scene.trio();
    const { request, toBob, toCarol } = await offered(group, alice, bob, carol);
    bob.rings(toBob);
    carol.rings(toCarol);
    const cancel = request.slice(0, request.indexOf("\r\n\r\n")).split("\r\n")
      .filter((line) => /^(INVITE|Via|Max-Forwards|From|To|Call-ID|CSeq)\b/.test(line))
      .map((line) => line.replace(/^INVITE /, "CANCEL ").replace(/(CSeq: \d+) INVITE/, "$1 CANCEL"));
    alice.send([...cancel, "Content-Length: 0", "", ""].join("\r\n"));
    expect((await alice.sip.finalTo(request)).startLine).toBe("SIP/2.0 487 Request Terminated");
    for (const person of [bob, carol]) await person.sip.hears("CANCEL ");
    await chatsOn(alice, bob, carol);
  });

  conversation("RFC 7701 §6.1: who joins during a transfer gets nothing of it", async (scene) => {
    const { group, alice, bob, carol } = await scene.trio();
    const { offer, request, toBob, toCarol } = await offered(group, alice, bob, carol);
    carol.declines(toCarol);
    const toBobLeg = await bob.takes(toBob, photo);
    const sender = await accepted(alice, request, offer);
    const sending = new Sending(sender, photo);
    await sending.upTo(8_192);
    const tablet = await scene.device("carol");
    await tablet.joins(group);
    await Promise.all([sending.toItsEnd(), wholeFile(toBobLeg)]);
    await tablet.sip.hearsNothing(anyInvite, 60);
  });

  conversation("who leaves the chat during a transfer still gets the file [CPM-CR §9.3.1]", async (scene) => {
    const { group, alice, bob, carol } = await scene.trio();
    const { offer, request, toBob, toCarol } = await offered(group, alice, bob, carol);
    const toBobLeg = await bob.takes(toBob, photo);
    const toCarolLeg = await carol.takes(toCarol, photo);
    const sending = new Sending(await accepted(alice, request, offer), photo);
    await sending.upTo(8_192);
    expect((await bob.chat.dialog.end('SIP;cause=200;text="Call completed"')).startLine).toBe("SIP/2.0 200 OK");
    await Promise.all([sending.toItsEnd(), wholeFile(toBobLeg), wholeFile(toCarolLeg)]);
    await chatsOn(alice, carol);
  });
});

focus("CPM File Transfer in the group session is not supported", { policies: { groupFileTransfer: "notSupported" } }, (conversation) => {
  conversation('item 3: 403 Forbidden with the Warning "122 Function not allowed"; nobody is invited; the chat goes on [CPM-CR §9.3.1]', async (scene) => {
    const { group, alice, bob, carol } = await scene.trio();
    const request = alice.send(alice.offer(group).text);
    const answer = await alice.sip.finalTo(request);

    expect(answer.startLine).toBe("SIP/2.0 403 Forbidden");
    expect(answer.headers("Warning")).toHaveLength(1);
    expect(answer.header("Warning")).toMatch(/^399 [A-Za-z0-9.:[\]-]+ "122 Function not allowed"$/);
    expect(answer.sentBy).toBe(new SipText(request, () => {}).sentBy);
    expect(answer.header("From")).toBe(/\r\nFrom: ([^\r]*)/.exec(request)?.[1]);
    expect(answer.header("To")).toMatch(/;tag=\w/);
    expect(answer.body).toBe("");

    for (const person of [bob, carol]) await person.sip.hearsNothing(anyInvite);
    await chatsOn(alice, bob, carol);
  });

  conversation("item 3: whoever asks and whatever is asked: the answer is 122 to a stranger, to a file too large, and to a receiver's resume [CPM-CR §9.3.1]", async (scene) => {
    const { group, alice, bob } = await scene.trio();
    const dave = await scene.device("dave");
    const texts: [Device, string][] = [
      [dave, dave.offer(group).text],
      [alice, alice.offer(group).text.replace(offeredSelector(photo), offeredSelector(photo, 99_000_000_000))],
      [bob, bob.offer(group).text.replace("a=sendonly", "a=recvonly")],
    ];
    for (const [person, text] of texts) {
      expect((await person.asks(text)).header("Warning")).toMatch(/^399 \S+ "122 Function not allowed"$/);
    }
  });

  conversation("item 3: a retransmission over UDP gets the same octets again", async (scene) => {
    const { group, alice } = await scene.trio();
    alice.sip.polite = false;
    const text = alice.offer(group).text.replace("SIP/2.0/TCP", "SIP/2.0/UDP");
    const request = alice.sip.send(text, "udp");
    expect((await alice.sip.finalTo(request)).status).toBe(403);
    const before = alice.sip.repetitions;
    alice.sip.send(text, "udp");
    await alice.sip.hearsNothing((one) => one.status >= 200, 300);
    expect(alice.sip.repetitions).toBeGreaterThan(before);
  });

  const spellings: [string, (text: string) => string][] = [
    ["escapes in lower case", (text) => text.replaceAll("%3A", "%3a")],
    ["the parameter's name in capitals", (text) => text.replaceAll("+g.3gpp.icsi-ref", "+G.3GPP.ICSI-REF")],
    ["one of several in the quotes", (text) => text.replaceAll('"urn%3Aurn-7%3A3gpp-service.ims.icsi.oma.cpm.filetransfer"', '"urn%3Aurn-7%3A3gpp-service.ims.icsi.oma.cpm.filetransfer,urn%3Aurn-7%3A3gpp-service.ims.icsi.oma.cpm.largemsg"')],
    ["Accept-Contact in its compact form", (text) => text.replace("\r\nAccept-Contact:", "\r\na:")],
    ["only the asserted service says it", (text) => text.replace(/\r\nAccept-Contact:[^\r]*/, "").replace("P-Preferred-Service", "P-Asserted-Service").replace(`;${fileTag}`, "")],
  ];
  for (const [spelling, spelled] of spellings) {
    conversation(`the CPM File Transfer Feature Tag is recognised: ${spelling} [CPM-CR §9.3.1]`, async (scene) => {
      const { group, alice } = await scene.trio();
      expect((await alice.asks(spelled(alice.offer(group).text))).header("Warning")).toMatch(/"122 Function not allowed"$/);
    });
  }

  conversation("item 4: a join is a join, supported or not [CPM-CR §9.3.1]", async (scene) => {
    const { group, bob } = await scene.trio();
    const tablet = await scene.device("alice");
    await tablet.joins(group);
    await bob.says("hello again");
    await tablet.chat.hears("hello again");
  });
});

focus("wrappedTypes=exclude", { policies: { wrappedTypes: "exclude" } }, (conversation) => {
  for (const [answer, types] of [["text/plain", foreignTypes], ["the file's own type, but says nothing of wrapped types", acceptTypesOnly], ["foreign wrapped types", "a=accept-types:message/cpim image/jpeg\na=accept-wrapped-types:text/plain"]] as const) {
    conversation(`item 2: Carol answers with ${answer}: she is left out, Bob gets the file [CPM-CR §9.3.1]`, async (scene) => {
      const { group, alice, bob, carol } = await scene.trio();
      const { offer, request, toBob, toCarol } = await offered(group, alice, bob, carol);
      const toBobLeg = await bob.takes(toBob, photo);
      const carols = carol.answersFile(toCarol, photo, types);
      await carols.hearsBye();
      const sender = await accepted(alice, request, offer);
      await Promise.all([sendsFile(sender, photo), wholeFile(toBobLeg)]);
      await chatsOn(carol, alice, bob);
    });
  }
});

focus("wrappedTypes=sendAnyway", { policies: { wrappedTypes: "sendAnyway" } }, (conversation) => {
  conversation("item 2: Carol answers with text/plain: the file is sent to her all the same [CPM-CR §9.3.1]", async (scene) => {
    const { group, alice, bob, carol } = await scene.trio();
    const { offer, request, toBob, toCarol } = await offered(group, alice, bob, carol);
    const [toBobLeg, toCarolLeg] = await Promise.all([bob.takes(toBob, photo), carol.takes(toCarol, photo, foreignTypes)]);
    const sender = await accepted(alice, request, offer);
    await Promise.all([sendsFile(sender, photo), wholeFile(toBobLeg), wholeFile(toCarolLeg)]);
  });
});

focus("wrappedTypes=sendUnwrapped", { policies: { wrappedTypes: "sendUnwrapped" } }, (conversation) => {
  conversation("item 2: Carol answers with text/plain: a file that travels unwrapped is sent to her as it is [CPM-CR §9.3.1]", async (scene) => {
    const { group, alice, bob, carol } = await scene.trio();
    const { offer, request, toBob, toCarol } = await offered(group, alice, bob, carol);
    const [toBobLeg, toCarolLeg] = await Promise.all([bob.takes(toBob, photo), carol.takes(toCarol, photo, foreignTypes)]);
    const sender = await accepted(alice, request, offer);
    await Promise.all([sendsFile(sender, photo), wholeFile(toBobLeg), wholeFile(toCarolLeg)]);
  });

  conversation("item 2: a file wrapped in CPIM reaches Carol, who indicated no wrapped types, without its wrapper; Bob gets the wrapper too [CPM-CR §9.3.1]", async (scene) => {
    const { group, alice, bob, carol } = await scene.trio();
    const { offer, request, toBob, toCarol } = await offered(group, alice, bob, carol);
    const [toBobLeg, toCarolLeg] = await Promise.all([bob.takes(toBob, photo), carol.takes(toCarol, photo, foreignTypes)]);
    const sender = await accepted(alice, request, offer);

    const wrapped = wrappedPhoto(alice, group);
    expect((await sender.says(wrapped)).startLine).toMatch(/ 200 OK$/);

    const bobs = await receivesFile(toBobLeg);
    expect(bobs.contentType).toBe("message/cpim");
    expect(sha256(bobs.octets)).toBe(sha256(wrapped));
    const carols = await receivesFile(toCarolLeg);
    expect(carols.contentType).toBe("image/jpeg");
    expect(sha256(carols.octets)).toBe(sha256(photo.octets));
  });
});

focus("wrappedTypes=rejectAll", { policies: { wrappedTypes: "rejectAll" } }, (conversation) => {
  conversation("item 2: Carol, the first to answer, answers with text/plain: the sender gets a failure, Bob a CANCEL, Carol a BYE [CPM-CR §9.3.1]", async (scene) => {
    const { group, alice, bob, carol } = await scene.trio();
    const { request, toBob, toCarol } = await offered(group, alice, bob, carol);
    bob.rings(toBob);
    const carols = carol.answersFile(toCarol, photo, foreignTypes);
    expect((await alice.sip.finalTo(request)).status).toBeGreaterThanOrEqual(400);
    await carols.hearsBye();
    await bob.sip.hears("CANCEL ");
    await chatsOn(alice, bob, carol);
  });

  conversation("item 2: Bob has accepted already when Carol answers with text/plain: the transfer ends for everybody [CPM-CR §9.3.1]", async (scene) => {
    const { group, alice, bob, carol } = await scene.trio();
    const { offer, request, toBob, toCarol } = await offered(group, alice, bob, carol);
    const toBobLeg = await bob.takes(toBob, photo);
    const sender = await accepted(alice, request, offer);
    const carols = carol.answersFile(toCarol, photo, foreignTypes);
    await Promise.all([carols.hearsBye(), toBobLeg.dialog.hearsBye(), sender.dialog.hearsBye()]);
  });

  conversation("item 2: Carol answers with text/plain when the whole file is here: it is refused no more, she alone hears BYE, and Bob gets every octet [CPM-CR §9.3.1]", async (scene) => {
    const { group, alice, bob, carol } = await scene.trio();
    const { offer, request, toBob, toCarol } = await offered(group, alice, bob, carol);
    const toBobLeg = await bob.takes(toBob, photo);
    const sender = await accepted(alice, request, offer);
    toBobLeg.msrp.pause();
    await sendsFile(sender, photo);
    await carol.answersFile(toCarol, photo, foreignTypes).hearsBye();
    toBobLeg.msrp.resume();
    await wholeFile(toBobLeg);
    expect((await toBobLeg.dialog.hearsBye()).header("Reason")).toBe('SIP;cause=200;text="Call completed"');
  });

  conversation("item 2: everybody indicates the wrapped types: the file is sent [CPM-CR §9.3.1]", async (scene) => {
    const { group, alice, bob, carol } = await scene.trio();
    const { offer, request, toBob, toCarol } = await offered(group, alice, bob, carol);
    const [toBobLeg, toCarolLeg] = await Promise.all([bob.takes(toBob, photo, bothTypes), carol.takes(toCarol, photo, bothTypes)]);
    const sender = await accepted(alice, request, offer);
    await Promise.all([sendsFile(sender, photo), wholeFile(toBobLeg), wholeFile(toCarolLeg)]);
  });
});

focus("answerSender=early", { policies: { answerSender: "early" } }, (conversation) => {
  conversation("the sender is answered 200 before any recipient answers; who accepts later gets every octet [RFC 3261 §13.3.1.4]", async (scene) => {
    const { group, alice, bob, carol } = await scene.trio();
    const { offer, request, toBob, toCarol } = await offered(group, alice, bob, carol);
    const sender = await accepted(alice, request, offer);
    await sendsFile(sender, photo);
    carol.declines(toCarol);
    await wholeFile(await bob.takes(toBob, photo));
  });

  conversation("item 8: everybody declines after the sender was accepted: the sender hears BYE", async (scene) => {
    const { group, alice, bob, carol } = await scene.trio();
    const { offer, request, toBob, toCarol } = await offered(group, alice, bob, carol);
    const sender = await accepted(alice, request, offer);
    bob.declines(toBob);
    carol.declines(toCarol);
    await sender.dialog.hearsBye();
  });
});

focus("answerSender=allAnswered", { policies: { answerSender: "allAnswered" } }, (conversation) => {
  conversation("the sender is answered when the last recipient has answered, not before [RFC 3261 §13.3.1]", async (scene) => {
    const { group, alice, bob, carol } = await scene.trio();
    const { offer, request, toBob, toCarol } = await offered(group, alice, bob, carol);
    const toBobLeg = await bob.takes(toBob, photo);
    await alice.sip.hearsNothing((one) => one.status >= 200);
    carol.declines(toCarol);
    const sender = await accepted(alice, request, offer);
    await Promise.all([sendsFile(sender, photo), wholeFile(toBobLeg)]);
  });

  conversation("item 8: the last answer declines too: 603 Decline", async (scene) => {
    const { group, alice, bob, carol } = await scene.trio();
    const { request, toBob, toCarol } = await offered(group, alice, bob, carol);
    bob.declines(toBob);
    carol.declines(toCarol);
    expect((await alice.sip.finalTo(request)).startLine).toBe("SIP/2.0 603 Decline");
  });
});

for (const [inactiveGroup, status] of [["notFound", 404], ["unavailable", 480]] as const) {
  focus(`inactiveGroup=${inactiveGroup}`, { policies: { inactiveGroup, inactivityMs: 1_200 } }, (conversation) => {
    conversation(`item 5: a file for a long-lived group that is idle gets ${status}, and nobody is invited [CPM-CR §9.3.1]`, async (scene) => {
      const { group, alice, bob, carol } = await scene.trio();
      for (const person of [alice, bob, carol]) await person.chat.dialog.hearsBye();
      expect((await alice.asks(alice.offer(group).text)).status).toBe(status);
      for (const person of [bob, carol]) await person.sip.hearsNothing(anyInvite);
    });
  });
}

focus("inactiveGroup=reactivate", { policies: { inactiveGroup: "reactivate", senderNotConnected: "rejoin", inactivityMs: 1_500, maxFileOctets: 1_000_000, reinviteMs: 50 } }, (conversation) => {
  /** The three, when silence has ended their dialogs. */
  async function idle(scene: Scene): Promise<{ group: Group; alice: Device; bob: Device; carol: Device }> {
    const trio = await scene.trio();
    for (const person of [trio.alice, trio.bob, trio.carol]) await person.chat.dialog.hearsBye();
    return trio;
  }

  conversation("a file wakes the group: every member is invited again, every other one gets the file, and all can chat [CPM-CR §4.2, §9.3.1]", async (scene) => {
    const { group, alice, bob, carol } = await idle(scene);
    const { offer, request, toBob, toCarol } = await offered(group, alice, bob, carol);
    for (const person of [alice, bob, carol]) await person.entersChat(await person.isInvited());
    const legs = await Promise.all([bob.takes(toBob, photo), carol.takes(toCarol, photo)]);
    const sender = await accepted(alice, request, offer);
    await Promise.all([sendsFile(sender, photo), ...legs.map((leg) => wholeFile(leg))]);
    await chatsOn(alice, bob, carol);
  });

  conversation('a file that is refused wakes nobody: 403 "133 Size exceeded"', async (scene) => {
    const { group, alice, bob, carol } = await idle(scene);
    const answer = await alice.asks(alice.offer(group).text.replace(offeredSelector(photo), offeredSelector(photo, 1_000_001)));
    expect(answer.header("Warning")).toMatch(/^399 \S+ "133 Size exceeded"$/);
    for (const person of [alice, bob, carol]) await person.sip.hearsNothing(anyInvite, 60);
  });
});

focus("inactiveGroup=reactivate, and the transfer is not supported", { policies: { inactiveGroup: "reactivate", groupFileTransfer: "notSupported", inactivityMs: 1_500 } }, (conversation) => {
  conversation('item 3: 403 "122 Function not allowed"; nobody is invited, neither into the chat nor to a file [CPM-CR §9.3.1]', async (scene) => {
    const { group, alice, bob, carol } = await scene.trio();
    for (const person of [alice, bob, carol]) await person.chat.dialog.hearsBye();
    expect((await alice.asks(alice.offer(group).text)).header("Warning")).toMatch(/^399 \S+ "122 Function not allowed"$/);
    for (const person of [alice, bob, carol]) await person.sip.hearsNothing(anyInvite, 60);
  });
});

focus("senderNotConnected=rejoin", { policies: { senderNotConnected: "rejoin" } }, (conversation) => {
  conversation("a member who is not in the session sends a file: it is invited into the session again, and its file is taken [CPM-CR §9.3.1]", async (scene) => {
    const { group, alice, bob, carol } = await scene.trio();
    await alice.chat.dialog.end('SIP;cause=480;text="Bearer unavailable"');
    const { offer, request, toBob, toCarol } = await offered(group, alice, bob, carol);
    carol.declines(toCarol);
    const toBobLeg = await bob.takes(toBob, photo);
    const sender = await accepted(alice, request, offer);
    await Promise.all([sendsFile(sender, photo), wholeFile(toBobLeg)]);
    await alice.entersChat(await alice.isInvited());
    await chatsOn(bob, alice, carol);
    for (const person of [bob, carol]) expect(person.sip.unread(anyInvite)).toHaveLength(0);
  });

  conversation("a stranger's file is refused all the same", async (scene) => {
    const { group } = await scene.trio();
    const mallory = await scene.device("mallory");
    expect((await mallory.asks(mallory.offer(group).text)).header("Warning")).toMatch(/"127 Service not authorised"$/);
    await mallory.sip.hearsNothing(anyInvite, 60);
  });
});

focus("the ring", { policies: { ringMs: 800 } }, (conversation) => {
  conversation("nobody answers within ringMs: CANCEL to everybody and a failure to the sender [RFC 3261 §9.1, §21.1.2]", async (scene) => {
    const { group, alice, bob, carol } = await scene.trio();
    const { request, toBob, toCarol } = await offered(group, alice, bob, carol);
    bob.rings(toBob);
    carol.rings(toCarol);
    for (const person of [bob, carol]) await person.sip.hears("CANCEL ");
    expect((await alice.sip.finalTo(request)).startLine).toBe("SIP/2.0 480 Temporarily Unavailable");
  });
});
