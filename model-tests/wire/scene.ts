/**
 * The people of a conversation on the wire: devices that speak the octets of
 * `octets.ts`, and the scene in which they meet one focus.
 */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  bothTypes, chatAnswerLines, chatCpim, chatSdp, contactLine, creation, fileAnswer, fileAnswerLines, fileOffer, inDialog, joining,
  photo, register, subscription, type DialogState, type FileSpecimen, type Speaker,
} from "./octets.ts";
import { Focus, Ladder, MsrpPeer, SipPeer, frame, response, token, wholeMessage, type FocusOptions, type MsrpText, type SipText, type Transport } from "./stranger.ts";

/** One dialog as one device knows it. */
export class Dialog implements DialogState {
  readonly device: Device;
  readonly callId: string;
  readonly localUri: string;
  readonly localTag: string;
  readonly remoteUri: string;
  readonly remoteTag: string;
  readonly target: string;
  readonly routes: readonly string[];
  cseq = 1;

  private constructor(device: Device, state: DialogState) {
    this.device = device;
    this.callId = state.callId;
    this.localUri = state.localUri;
    this.localTag = state.localTag;
    this.remoteUri = state.remoteUri;
    this.remoteTag = state.remoteTag;
    this.target = state.target;
    this.routes = state.routes;
  }

  /** The dialog of a request that this device sent, from its 2xx. */
  static called(device: Device, ok: SipText): Dialog {
    return new Dialog(device, {
      callId: ok.header("Call-ID"), target: ok.uri("Contact"),
      localUri: ok.uri("From"), localTag: ok.tag("From"), remoteUri: ok.uri("To"), remoteTag: ok.tag("To"),
      routes: ok.routes.toReversed(),
    });
  }

  /** The dialog of a request that this device got and answered under `tag`. */
  static answered(device: Device, request: SipText, tag: string): Dialog {
    return new Dialog(device, {
      callId: request.header("Call-ID"), target: request.uri("Contact"),
      localUri: request.uri("To"), localTag: tag, remoteUri: request.uri("From"), remoteTag: request.tag("From"),
      routes: request.routes,
    });
  }

  /** The text of the next request in this dialog. */
  request(method: string, lines = "", body = ""): string {
    this.cseq += 1;
    return inDialog(this.device, this, method, this.cseq, lines, body);
  }

  acknowledge(ok: SipText): void {
    this.device.send(inDialog(this.device, this, "ACK", Number(ok.header("CSeq").split(" ")[0])));
  }

  /** Ends the dialog with that Reason and waits for the 200. */
  async end(reason?: string): Promise<SipText> {
    return await this.device.asks(this.request("BYE", reason === undefined ? "" : `Reason: ${reason}`));
  }

  /** The BYE of the other side in this dialog. */
  hearsBye(ms?: number): Promise<SipText> {
    return this.device.sip.hears((one) => one.startLine.startsWith("BYE ") && one.header("Call-ID") === this.callId, ms);
  }

  async hearsNoBye(): Promise<void> {
    await this.device.sip.hearsNothing((one) => one.startLine.startsWith("BYE ") && one.header("Call-ID") === this.callId);
  }
}

/** One MSRP session of one device, inside one dialog. */
export class Leg {
  readonly dialog: Dialog;
  readonly msrp: MsrpPeer;
  /** `To-Path` of what this device sends: the focus's path. */
  readonly toPath: string;
  readonly fromPath: string;

  constructor(dialog: Dialog, msrp: MsrpPeer, toPath: string, fromPath: string) {
    this.dialog = dialog;
    this.msrp = msrp;
    this.toPath = toPath;
    this.fromPath = fromPath;
  }

  get paths(): string {
    return `To-Path: ${this.toPath}\nFrom-Path: ${this.fromPath}`;
  }

  /** The empty SEND that binds the session to the connection, as phones send it: without Byte-Range. */
  async bind(): Promise<void> {
    const tid = token();
    await this.msrp.says(frame(`MSRP ${tid} SEND`, `${this.paths}\nMessage-ID: ${token()}`, undefined));
    const answer = await this.msrp.answerTo(tid);
    if (!answer.startLine.endsWith(" 200 OK")) throw new Error(`the binding SEND was answered ${answer.startLine}`);
  }

  /** Says one whole message in one SEND; answers the response of the focus. */
  async says(body: string | Buffer, contentType = "message/cpim", lines = "Failure-Report: yes\nSuccess-Report: no"): Promise<MsrpText> {
    const tid = token();
    await this.msrp.says(this.send(tid, body, contentType, lines));
    return await this.msrp.answerTo(tid);
  }

  /** The octets of one SEND. */
  send(tid: string, body: string | Buffer, contentType = "message/cpim", lines = "Failure-Report: yes\nSuccess-Report: no"): Buffer {
    const octets = Buffer.byteLength(body);
    return frame(`MSRP ${tid} SEND`, `${this.paths}
Message-ID: ${token()}
Byte-Range: 1-${octets}/${octets}
${lines}
Content-Type: ${contentType}`, body);
  }

  /** Hears a SEND whose content has that text. */
  hears(text: string): Promise<MsrpText> {
    return this.msrp.hears((one) => one.startLine.endsWith(" SEND") && one.body.includes(text));
  }

  async hearsNothing(): Promise<void> {
    await this.msrp.hearsNothing((one) => one.startLine.endsWith(" SEND"));
  }
}

/** One device of one person. */
export class Device implements Speaker {
  readonly scene: Scene;
  readonly person: string;
  readonly aor: string;
  readonly address: string;
  readonly transport: Transport;
  readonly instance: string;
  readonly sip: SipPeer;
  readonly #host: string;
  readonly #connections: MsrpPeer[] = [];
  #chat: Leg | undefined;

  constructor(scene: Scene, person: string, aor: string, sip: SipPeer, transport: Transport) {
    this.scene = scene;
    this.person = person;
    this.aor = aor;
    this.sip = sip;
    this.#host = scene.focus.address.host.includes(":") ? `[${scene.focus.address.host}]` : scene.focus.address.host;
    this.address = `${this.#host}:${sip.port}`;
    this.transport = transport;
    this.instance = `<urn:gsma:imei:35824005-${String(sip.port).padStart(6, "0")}-0>`;
  }

  /** The leg of this device in the group chat. */
  get chat(): Leg {
    if (this.#chat === undefined) throw new Error(`${this.person} is in no chat`);
    return this.#chat;
  }

  asks(text: string): Promise<SipText> {
    return this.sip.asks(text, this.transport);
  }

  send(text: string): string {
    return this.sip.send(text, this.transport);
  }

  async registers(): Promise<void> {
    const answer = await this.asks(register(this));
    if (answer.status !== 200) throw new Error(`REGISTER was answered ${answer.startLine}`);
  }

  /** An MSRP path of this device, as the active side writes it; over TLS, where its SIP is. */
  path(): string {
    return `${this.transport === "tls" ? "msrps" : "msrp"}://${this.#host}:9/${token()};tcp`;
  }

  /** Connects to a path of the focus. */
  async connects(path: string): Promise<MsrpPeer> {
    const msrp = await MsrpPeer.connect(this.person, this.scene.ladder, path, this.scene.focus.address.certificate);
    this.#connections.push(msrp);
    return msrp;
  }

  /** The MSRP session of an INVITE that this device sent from `path` and that was answered with `ok`: acknowledged, connected and bound. */
  async established(ok: SipText, path: string): Promise<Leg> {
    const dialog = Dialog.called(this, ok);
    dialog.acknowledge(ok);
    const leg = new Leg(dialog, await this.connects(ok.attribute("path")), ok.attribute("path"), path);
    await leg.bind();
    return leg;
  }

  /** Answers an INVITE with 200 and that session description, hears the ACK, connects and binds. */
  async accepts(invite: SipText, path: string, lines: string, sdp: string): Promise<Leg> {
    const tag = this.sip.tagFor(invite);
    invite.reply(response(invite, "200 OK", tag, lines, sdp));
    await this.sip.hears((one) => one.startLine.startsWith("ACK ") && one.header("Call-ID") === invite.header("Call-ID"));
    const leg = new Leg(Dialog.answered(this, invite, tag), await this.connects(invite.attribute("path")), invite.attribute("path"), path);
    await leg.bind();
    return leg;
  }

  /** An INVITE with the session's feature tag. */
  isInvited(ms?: number): Promise<SipText> {
    return this.sip.hears((one) => one.startLine.startsWith("INVITE ") && one.header("Accept-Contact").includes("oma.cpm.session"), ms);
  }

  /** An INVITE with the CPM File Transfer Feature Tag. */
  isOffered(ms?: number): Promise<SipText> {
    return this.sip.hears((one) => one.startLine.startsWith("INVITE ") && one.header("Accept-Contact").includes("oma.cpm.filetransfer"), ms);
  }

  async entersChat(invite: SipText): Promise<Leg> {
    const path = this.path();
    this.#chat = await this.accepts(invite, path, chatAnswerLines(this), chatSdp(path));
    return this.#chat;
  }

  /** Joins by an INVITE to the identity; the answer has to be 200. */
  async joins(group: Group): Promise<Leg> {
    const path = this.path();
    const ok = await this.asks(this.joining(group, path));
    if (ok.status !== 200) throw new Error(`joining was answered ${ok.startLine}`);
    this.#chat = await this.established(ok, path);
    return this.#chat;
  }

  joining(group: Group, path = this.path()): string {
    return joining(this, group.identity, path, group.conversationId, group.contributionId);
  }

  createdChat(leg: Leg): void {
    this.#chat = leg;
  }

  /** Says a line in the chat; answers the MSRP response. */
  says(text: string, messageId?: string): Promise<MsrpText> {
    return this.chat.says(chatCpim(this.aor, this.chat.dialog.target, text, messageId));
  }

  /** Subscribes to the participant information; answers the 200 and the first NOTIFY. */
  async subscribes(identity: string): Promise<{ ok: SipText; first: SipText; dialog: Dialog }> {
    const ok = await this.asks(subscription(this, identity));
    if (ok.status !== 200) throw new Error(`SUBSCRIBE was answered ${ok.startLine}`);
    return { ok, first: await this.notified(), dialog: Dialog.called(this, ok) };
  }

  notified(): Promise<SipText> {
    return this.sip.hears("NOTIFY ");
  }

  /** The text of an INVITE that offers the file to the group, and what varies in it. */
  offer(group: Group, file: FileSpecimen = photo): Offer {
    const path = this.path();
    const contributionId = token();
    const fileTransferId = `${token()}${token()}`.slice(0, 32);
    const text = fileOffer({ from: this, identity: group.identity, path, file, conversationId: group.conversationId, contributionId, fileTransferId });
    return { text, path, file, contributionId, fileTransferId };
  }

  /** Takes an offered file with an answer that lists those types. */
  async takes(invite: SipText, file: FileSpecimen, types = bothTypes): Promise<Leg> {
    const path = this.path();
    return await this.accepts(invite, path, fileAnswerLines(this), fileAnswer(path, file, invite.attribute("file-transfer-id"), types));
  }

  /** Answers an offered file with 200 and does nothing more. */
  answersFile(invite: SipText, file: FileSpecimen, types: string): Dialog {
    const tag = this.sip.tagFor(invite);
    invite.reply(response(invite, "200 OK", tag, fileAnswerLines(this), fileAnswer(this.path(), file, invite.attribute("file-transfer-id"), types)));
    return Dialog.answered(this, invite, tag);
  }

  /** Rings: only then may the other side send CANCEL, RFC 3261 §9.1. */
  rings(invite: SipText): void {
    invite.reply(response(invite, "180 Ringing", this.sip.tagFor(invite), contactLine(this)));
  }

  declines(invite: SipText, statusLine = "603 Decline"): void {
    invite.reply(response(invite, statusLine, this.sip.tagFor(invite)));
  }

  close(): void {
    for (const connection of this.#connections) connection.close();
    this.sip.close();
  }
}

/** A file transfer INVITE before it is sent. */
export interface Offer {
  readonly text: string;
  readonly path: string;
  readonly file: FileSpecimen;
  readonly contributionId: string;
  readonly fileTransferId: string;
}

/** A file on its way as one MSRP message, in chunks; a 200 is awaited for each. */
export class Sending {
  readonly leg: Leg;
  readonly file: FileSpecimen;
  readonly messageId = token();
  readonly #chunkOctets: number;
  #sent = 0;

  constructor(leg: Leg, file: FileSpecimen, chunkOctets = 8_192) {
    this.leg = leg;
    this.file = file;
    this.#chunkOctets = chunkOctets;
  }

  async upTo(octets: number): Promise<void> {
    const answers: Promise<MsrpText>[] = [];
    while (this.#sent < octets) {
      const end = Math.min(this.#sent + this.#chunkOctets, this.file.octets.length);
      const tid = token();
      await this.leg.msrp.says(fileChunk(this.leg, tid, this.messageId, this.file, this.#sent, end));
      answers.push(this.leg.msrp.answerTo(tid, 15_000));
      this.#sent = end;
    }
    for (const answer of await Promise.all(answers)) {
      if (!answer.startLine.endsWith(" 200 OK")) throw new Error(`a chunk was answered ${answer.startLine}`);
    }
  }

  toItsEnd(): Promise<void> {
    return this.upTo(this.file.octets.length);
  }
}

/** Sends a whole file. */
export const sendsFile = (leg: Leg, file: FileSpecimen, chunkOctets?: number): Promise<void> => new Sending(leg, file, chunkOctets).toItsEnd();

/** One chunk of a file, octets `at` up to `end`, counted from 0. */
export function fileChunk(leg: Leg, tid: string, messageId: string, file: FileSpecimen, at: number, end: number, flag = end === file.octets.length ? "$" : "+"): Buffer {
  return frame(`MSRP ${tid} SEND`, `${leg.paths}
Message-ID: ${messageId}
Byte-Range: ${at + 1}-${end}/${file.octets.length}
Failure-Report: yes
Success-Report: no
Content-Type: image/jpeg`, file.octets.subarray(at, end), flag);
}

export const receivesFile = (leg: Leg, ms = 15_000): ReturnType<typeof wholeMessage> => wholeMessage(leg.msrp, ms);

/** A group that exists, and its people. */
export interface Group {
  readonly identity: string;
  readonly conversationId: string;
  readonly contributionId: string;
}

let scenes = 0;

/** One conversation with one focus: its people are its own, so that conversations on one focus cannot meet. */
export class Scene {
  readonly ladder = new Ladder();
  readonly focus: Focus;
  readonly #number = (scenes += 1);
  readonly #devices: Device[] = [];

  constructor(focus: Focus) {
    this.focus = focus;
  }

  /** The address of record of a person in this scene. */
  aor(person: string): string {
    return `sip:${person}${this.#number}@cpm.example`;
  }

  /** A device that is not registered. */
  async stranger(person: string, transport: Transport = "tcp"): Promise<Device> {
    const device = new Device(this, person, this.aor(person), await SipPeer.open(person, this.ladder, this.focus.address), transport);
    this.#devices.push(device);
    return device;
  }

  /** A registered device; called twice for one person, a second device of that person. */
  async device(person: string, transport: Transport = "tcp"): Promise<Device> {
    const device = await this.stranger(person, transport);
    await device.registers();
    return device;
  }

  /** Everybody registered; the first creates the group with all others, who accept; all sessions bound. */
  async group(people: readonly [string, ...string[]], change: (invite: string) => string = (invite) => invite): Promise<Group & { of(person: string): Device }> {
    const [creator, ...others] = await Promise.all(people.map((person) => this.device(person)));
    const path = creator!.path();
    const conversationId = token();
    const contributionId = token();
    const invite = creation({ from: creator!, list: others.map((one) => one.aor), path, conversationId, contributionId });
    const ok = await creator!.asks(change(invite));
    if (ok.status !== 200) throw new Error(`the creation was answered ${ok.startLine}`);
    creator!.createdChat(await creator!.established(ok, path));
    await Promise.all(others.map(async (one) => await one.entersChat(await one.isInvited())));
    const of = (person: string): Device => this.#devices.find((one) => one.person === person)!;
    return { identity: ok.uri("Contact"), conversationId, contributionId, of };
  }

  /** A group of Alice, Bob and Carol. */
  async trio(change?: (invite: string) => string): Promise<{ group: Group; alice: Device; bob: Device; carol: Device }> {
    const group = await this.group(["alice", "bob", "carol"], change);
    return { group, alice: group.of("alice"), bob: group.of("bob"), carol: group.of("carol") };
  }

  /** Everybody hangs up without a word. */
  close(): void {
    for (const device of this.#devices) device.close();
  }
}

/** Declares one conversation with the focus. */
export type Conversation = (title: string, body: (scene: Scene) => Promise<void>) => void;

/**
 * A focus run with those policies, and the conversations held with it, several at a time: no two share a person or a
 * group. A failed one prints its ladder.
 */
export function focus(title: string, options: FocusOptions, declare: (conversation: Conversation) => void): void {
  describe(title, () => {
    let running: Focus;
    beforeAll(async () => void (running = await Focus.start(options)));
    afterAll(async () => {
      await running?.stop(0);
      expect(running?.faults, "what the focus itself calls a fault of its own").toEqual([]);
    });
    declare((name, body) => test.concurrent(name, async ({ onTestFailed }) => {
      const scene = new Scene(running);
      onTestFailed(() => console.log(`${name}\n${scene.ladder}\n${running.lastWords}`));
      try {
        await body(scene);
        if (scene.ladder.faults.length > 0) throw new Error(scene.ladder.faults.join("\n"));
      } finally {
        scene.close();
      }
    }));
  });
}
