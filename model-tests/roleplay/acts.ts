/** How every event of the model is played: who sends what. */
import type { AnyEventObject } from "xstate";
import { delayOf } from "../../machines/inspect.ts";
import type { Seat, Sender } from "../../machines/terms.ts";
import { createPart, formatMultipart, multipartType, type BodyPart } from "../../runtime/body/multipart.ts";
import { formatResourceLists } from "../../runtime/body/resource-lists.ts";
import { fileInAnswer, formatSdp, type MessageMedia, type SessionDescription } from "../../runtime/body/sdp.ts";
import { formatComposing, formatMessage, formatNotification } from "../../runtime/client/chat-message.ts";
import { chatTerms, closedGroup } from "../../runtime/client/chat-terms.ts";
import { formatCpim } from "../../runtime/body/cpim.ts";
import type { Content, HeaderFields } from "../../runtime/sip/content.ts";
import type { SipMessage } from "../../runtime/sip/message.ts";
import { placeOf, seatOf, type Address, type Server, type Stimulus } from "../composition/controlling-function.ts";
import { answerOf, cancelOf, Dialog, type User } from "./cast.ts";
import type { Contribution } from "./checks.ts";
import { Upload } from "./file.ts";
import { token } from "./msrp-link.ts";
import { policiesOf } from "./policy-sets.ts";
import { snapshotOf, type Step } from "./possible-steps.ts";
import { NotSetUp, patienceMs, pause, type Leg, type Scene, type Sent, type Subscription, type Transfer } from "./scene.ts";

/** What somebody is about to do. */
export interface Act {
  /** A request whose answer the model tells of. */
  readonly asked?: Sent | undefined;
  /** The dialog that the request begins. */
  readonly leg?: Leg | undefined;
  /** The file that it offers. */
  readonly transfer?: Transfer | undefined;
  /** The message that is relayed. */
  readonly body?: Buffer | undefined;
  /** MSRP requests of a leg, and how they are answered. */
  readonly answers?: { readonly leg: Leg; readonly status: number } | undefined;
  /** Users whom a REFER names and whom the group has never known. */
  readonly newcomers?: readonly User[] | undefined;
  /** Who refers them. */
  readonly referrer?: User | undefined;
  send(): void | Promise<void>;
}

/** How long a CANCEL waits for the provisional response that has to come before it. @see RFC 3261 §9.1 */
const provisionalMs = 400;

/** Prepares a step; nothing leaves before `send`. */
export async function prepare(scene: Scene, step: Step): Promise<Act> {
  const [stimulus, ...others] = step;
  if (isExpiry(stimulus)) return expire(scene, stimulus);
  const types = step.filter((one) => !isExpiry(one)).map(({ event }) => event.type);
  const how = whole[types.join(" ")] ?? single[stimulus.event.type];
  if (how === undefined) throw new NotSetUp(`nobody can play ${stimulus.event.type}`);
  const act = await how(scene, stimulus);
  const passing = others.filter(isExpiry);
  return passing.length === 0 ? act : { ...act, send: async () => (await act.send(), await pause(Math.max(...passing.map((timer) => lengthOf(scene, timer))))) };
}

/** Of a step that begins otherwise: a timer that passes by itself before anything else is done, where nobody commands it. */
const isExpiry = ({ event }: Stimulus): boolean => delayOf(event.type) !== undefined;

const lengthOf = ({ tour }: Scene, { event }: Stimulus): number => (policiesOf(tour.policies) as unknown as Record<string, number>)[delayOf(event.type)!]!;

type How = (scene: Scene, stimulus: Stimulus) => Act | Promise<Act>;

/** Steps of which the machines hear two events. */
const whole: { readonly [types: string]: How } = {
  "data.first data.complete": (scene, { on }) => uploads(scene, on, (upload) => upload.rest, 200),
  "data.first data.aborted": (scene, { on }) => uploads(scene, on, (upload) => upload.abandoned, 200),
  "data.aborted msrp.lost": (scene, { on }) => cut(scene, on),
  "sip.INVITE.fileTransfer sip.CANCEL": offerAndCancel,
};

const single: { readonly [type: string]: How } = {
  "sip.INVITE.create": create,
  "sip.INVITE.join": join,
  "sip.INVITE.fileTransfer": offer,
  "sip.REFER.add": add,
  "sip.REFER.remove": remove,
  "sip.SUBSCRIBE": subscribe,
  "msrp.SEND": say,
  "sip.ACK": (scene, { on }) => ({ send: () => scene.acknowledge(legAt(scene, on)) }),
  "sip.CANCEL": cancel,
  "sip.BYE": bye,
  "sip.reINVITE": reinvite,
  "sip.UPDATE": update,
  "sip.refreshed": answerRefresh,
  "sip.BYE.answered": answerBye,
  "sip.ringing": (scene, { on }) => answerInvite(scene, on, 180),
  "sip.accepted": accept,
  "sip.rejected": refuse,
  "msrp.bound": bind,
  "msrp.lost": (scene, { on }) => cut(scene, on),
  "data.first": (scene, { on }) => uploads(scene, on, (upload) => upload.first, 200),
  "data.complete": (scene, { on }) => uploads(scene, on, (upload) => upload.rest, 200),
  "data.aborted": (scene, { on }) => uploads(scene, on, (upload) => upload.abandoned, 200),
  "data.misbehaved": (scene, { on }) => uploads(scene, on, (upload) => upload.tooLong, 413),
  "data.drained": (scene, { on }) => answersChunks(scene, on, 200),
  "data.refused": (scene, { on }) => answersChunks(scene, on, 413),
  "sip.NOTIFY.failed": refuseNotify,
};

function legAt(scene: Scene, on: Address): Leg {
  const leg = scene.legs.get(on);
  if (leg === undefined) throw new NotSetUp(`there is no dialog ${on}`);
  return leg;
}

function dialogAt(scene: Scene, on: Address): Dialog {
  const { dialog } = legAt(scene, on);
  if (dialog === undefined) throw new NotSetUp(`the dialog ${on} is not established`);
  return dialog;
}

/** A request whose answer is what the model says. */
function asks(scene: Scene, by: User, request: SipMessage, more: Omit<Act, "asked" | "send"> = {}): Act {
  const asked = scene.ask(by, request);
  return { ...more, asked, send: () => by.port.send(request) };
}

// ---------------------------------------------------------------- session descriptions

/** The interval that is asked for, so that the focus refreshes. */
const calling: HeaderFields = [["Supported", "timer"], ["Session-Expires", "1800;refresher=uas"]];
const answering: HeaderFields = [["Require", "timer"], ["Session-Expires", "1800;refresher=uac"]];

const allowed = ({ takesUpdate }: Leg): readonly [string, string] => ["Allow", `INVITE, ACK, CANCEL, BYE, ${takesUpdate ? "UPDATE, " : ""}NOTIFY, OPTIONS`];

function describe({ user, sdpVersion }: Leg, media: MessageMedia): SessionDescription {
  const { host } = user.port;
  return { origin: { username: "-", sessionId: "1", sessionVersion: String(sdpVersion), host }, subject: "-", connection: host, media: [media] };
}

const line = ({ path }: Leg): Pick<MessageMedia, "kind" | "port" | "protocol" | "path" | "setup"> => ({ kind: "message", port: 9, protocol: "TCP/MSRP", path: [path], setup: "active" });
const chatLine = (leg: Leg, isClosed: boolean): MessageMedia => ({ ...line(leg), direction: "sendrecv", ...chatTerms, ...(isClosed && { chatroom: [closedGroup] }) }) as MessageMedia;

const fileTypes = { acceptTypes: ["message/cpim", "image/jpeg"], acceptWrappedTypes: ["image/jpeg", "*"] };

/** What a recipient's answer shows of the file's type. */
const shownTypes = (wrapped: unknown, accepted: unknown): Pick<MessageMedia, "acceptTypes" | "acceptWrappedTypes"> => ({
  acceptTypes: accepted === "covers" ? fileTypes.acceptTypes : ["message/cpim", "text/plain"],
  acceptWrappedTypes: wrapped === "indicated" ? ["image/jpeg"] : undefined,
});

function bodyOf(description: Buffer, parts: readonly BodyPart[]): Content {
  if (parts.length === 0) return { contentType: "application/sdp", body: description };
  const boundary = token();
  return { contentType: multipartType(boundary), body: formatMultipart([createPart({ contentType: "application/sdp" }, description), ...parts], boundary) };
}

// ---------------------------------------------------------------- requests that begin something

function calls(scene: Scene, leg: Leg, uri: string, media: MessageMedia, parts: readonly BodyPart[], headers: HeaderFields, more: Omit<Act, "asked" | "leg" | "send"> = {}): Act {
  const { user, device, contribution } = leg;
  const identifiers: HeaderFields = [["Conversation-ID", contribution.conversationId], ["Contribution-ID", contribution.contributionId]];
  const content = bodyOf(formatSdp(describe(leg, media)), parts);
  const invite = user.request("INVITE", uri, { ...content, headers: [...user.serviceHeaders(contribution.service, device), ...identifiers, ...calling, allowed(leg), ...headers] });
  const act = asks(scene, user, invite, { ...more, leg });
  leg.sent = act.asked;
  scene.follow(invite.callId, leg);
  return act;
}

const chatOf = ({ conversationId, contributionId }: Scene): Contribution => ({ conversationId, contributionId, service: "session" });

async function create(scene: Scene, { event }: Stimulus): Promise<Act> {
  await scene.seat((event["recipients"] as number) + 1);
  const [creator, ...invited] = scene.seats as [User, ...User[]];
  scene.recipients = invited.map(({ uri }) => uri);
  const list = createPart({ contentType: "application/resource-lists+xml", disposition: "recipient-list" }, formatResourceLists(scene.recipients.map((uri) => ({ uri, copyControl: "to" }))));
  const leg = scene.leg(undefined, creator, 0, chatOf(scene));
  const privacy: HeaderFields = event["anonymous"] === true ? [["Privacy", "id"]] : [];
  return calls(scene, leg, scene.target.factory, chatLine(leg, scene.tour.closed), [list], [["Require", "recipient-list-invite"], ["Subject", "A tour"], ...privacy]);
}

async function join(scene: Scene, { event, device = 0 }: Stimulus): Promise<Act> {
  const user = await speaker(scene, event);
  const leg = scene.leg(undefined, user, device, chatOf(scene));
  return calls(scene, leg, scene.identity, chatLine(leg, false), [], []);
}

async function speaker(scene: Scene, event: AnyEventObject): Promise<User> {
  const from = event["from"] as Sender;
  if (from === "stranger") await scene.admitOutsider();
  return scene.userOf(from);
}

/** A file; the same once more, where its transfer runs already. */
async function offer(scene: Scene, { on, event }: Stimulus): Promise<Act> {
  const again = scene.transfers.get(seatOf(on));
  const user = again === undefined ? await speaker(scene, event) : scene.userOf(again.from);
  const contributionId = again?.contributionId ?? token();
  const leg = scene.leg(undefined, user, 0, { conversationId: scene.conversationId, contributionId, service: "filetransfer" });
  const upload = new Upload(policiesOf(scene.tour.policies), event["fileOctets"] as 1 | 2, user.uri, scene.identity);
  const transferId = again?.offered.media.file?.transferId ?? token();
  const media: MessageMedia = { ...line(leg), ...fileTypes, direction: event["direction"] === "pull" ? "recvonly" : "sendonly", file: { ...upload.description, transferId } };
  leg.upload = upload;
  const transfer: Transfer = { from: (again?.from ?? event["from"]) as Seat, contributionId, offered: { media, parts: upload.parts, sender: user.uri }, upload };
  return calls(scene, leg, scene.identity, media, upload.parts, [], { transfer });
}

/** The CANCEL follows so closely that there is no room for the file yet. */
async function offerAndCancel(scene: Scene, stimulus: Stimulus): Promise<Act> {
  const act = await offer(scene, stimulus);
  const { by, request } = act.asked!;
  const cancelled = cancelOf(request);
  scene.ask(by, cancelled, () => {});
  return { ...act, send: () => by.port.send(request, cancelled) };
}

/** Adds by one URI, or by a list. */
async function add(scene: Scene, { event }: Stimulus): Promise<Act> {
  const { strangers, seats } = event as unknown as { readonly strangers: number; readonly seats: readonly Seat[] };
  await scene.bring(strangers);
  const newcomers = scene.newcomers.slice(0, strangers);
  return refers(scene, event, [...seats.map((seat) => scene.userOf(seat).uri), ...newcomers.map(({ uri }) => uri)], "", newcomers);
}

async function remove(scene: Scene, { event }: Stimulus): Promise<Act> {
  const target = event["target"] as Sender;
  if (target === "stranger") await scene.admitOutsider();
  return refers(scene, event, [scene.userOf(target).uri], ";method=BYE", []);
}

async function refers(scene: Scene, event: AnyEventObject, targets: readonly string[], parameter: string, newcomers: readonly User[]): Promise<Act> {
  const referrer = await speaker(scene, event);
  const headers: HeaderFields = [["Refer-Sub", "false"], ["Supported", "norefersub"], ...referrer.serviceHeaders("session", 0)];
  const [first, second] = targets;
  const content: Content =
    second === undefined
      ? { headers: [...headers, ["Refer-To", `<${first}${parameter}>`]] }
      : {
          headers: [...headers, ["Require", "multiple-refer"], ["Refer-To", "<cid:targets@players.example>"], ["Content-ID", "<targets@players.example>"], ["Content-Disposition", "recipient-list"]],
          contentType: "application/resource-lists+xml",
          body: formatResourceLists(targets.map((uri) => ({ uri, copyControl: "to" }))),
        };
  const request = chatDialogOf(scene, event["from"] as Sender)?.request("REFER", content) ?? referrer.request("REFER", scene.identity, content);
  return asks(scene, referrer, request, { newcomers, referrer });
}

/** The dialog of the chat in which a member may ask; whoever has none asks outside. */
function chatDialogOf(scene: Scene, who: Sender): Dialog | undefined {
  for (const [address, { dialog }] of scene.legs) {
    const snapshot = address.startsWith("leg ") && seatOf(address) === who ? snapshotOf(scene.model, scene.place.server, address) : undefined;
    if (snapshot?.matches({ open: { dialog: "confirmed" } } as never)) return dialog;
  }
  return undefined;
}

const expiry: { readonly [asked: string]: number } = { positive: 3_600, zero: 0, tooShort: 1 };

async function subscribe(scene: Scene, { on, event }: Stimulus): Promise<Act> {
  const known = scene.subscriptions.get(on);
  const user = known?.user ?? (await speaker(scene, event));
  const content: Content = { headers: [["Event", "conference"], ["Accept", "application/conference-info+xml"], ["Expires", String(expiry[event["expires"] as string])], ...user.serviceHeaders("session", 0)] };
  return asks(scene, user, known?.dialog?.request("SUBSCRIBE", content) ?? user.request("SUBSCRIBE", scene.identity, content));
}

// ---------------------------------------------------------------- messages

function say(scene: Scene, { event }: Stimulus): Act {
  const { from, to, content, claims } = event as unknown as { readonly from: Seat; readonly to: string | Seat; readonly content: string; readonly claims: string };
  const [, leg] = [...scene.legs].find(([address]) => address.startsWith("leg ") && seatOf(address) === from && scene.place.connected.has(address)) ?? [];
  if (leg?.link === undefined) throw new NotSetUp(`seat ${from} has no MSRP session`);
  const nobody = `sip:nobody-${token()}@${scene.domain}`;
  const envelope = {
    from: claims === "self" ? leg.user.uri : (scene.seats.find((user) => user !== leg.user)?.uri ?? nobody),
    to: typeof to === "number" ? scene.userOf(to).uri : to === "unknown" ? nobody : scene.identity,
    messageId: token(),
    dateTime: new Date().toISOString(),
  };
  const body = to === "several" ? formatCpim({ ...envelope, to: scene.seats.slice(0, 2).map(({ uri }) => uri), contentType: "text/plain", content: Buffer.from("to you both") }) : said(content, envelope, scene.identity);
  const contentType = content === "notCpim" ? "text/plain" : "message/cpim";
  const { link } = leg;
  return { body, answers: { leg, status: 0 }, send: () => void link.send({ messageId: token(), contentType, octets: body, at: 0, total: body.length, flag: "$" }) };
}

function said(content: string, envelope: Parameters<typeof formatNotification>[0], identity: string): Buffer {
  switch (content) {
    case "composing":
      return formatComposing(envelope, { state: "active", contentType: "text/plain", refresh: 60 });
    case "imdn":
      return formatNotification(envelope, { messageId: token(), dateTime: envelope.dateTime, recipientUri: envelope.from, originalRecipientUri: identity, kind: "delivery", status: "delivered" });
    case "notCpim":
      return Buffer.from(`without CPIM, ${token()}`);
    default:
      return formatMessage({ ...envelope, asksFor: ["positive-delivery"], contentType: "text/plain", content: Buffer.from(`words, ${token()}`) });
  }
}

// ---------------------------------------------------------------- in a dialog

async function cancel(scene: Scene, { on }: Stimulus): Promise<Act> {
  const { sent, user } = legAt(scene, on);
  if (sent === undefined) throw new NotSetUp(`${on} has no INVITE to cancel`);
  if (!sent.provisional) await Promise.race([new Promise<void>((resolve) => (sent.onProvisional = resolve)), pause(provisionalMs)]);
  const request = cancelOf(sent.request);
  scene.ask(user, request, () => {});
  return { asked: sent, send: () => user.port.send(request) };
}

const reasons: { readonly [reason: string]: HeaderFields } = {
  callCompleted: [["Reason", 'SIP;cause=200;text="Call completed"']],
  involuntary: [["Reason", 'SIP;cause=480;text="Bearer unavailable"']],
  unspecified: [],
};

function bye(scene: Scene, { on, event }: Stimulus): Act {
  const dialog = dialogAt(scene, on);
  return asks(scene, dialog.user, dialog.request("BYE", { headers: reasons[event["reason"] as string] }));
}

/** The session as it is; or without MSRP. */
function renewed(scene: Scene, on: Address, offered: unknown): Content {
  const leg = legAt(scene, on);
  leg.sdpVersion += 1;
  const media = leg.contribution.service === "session" ? chatLine(leg, false) : { ...line(leg), ...fileTypes, direction: leg.upload ? ("sendonly" as const) : ("recvonly" as const), file: fileOf(scene, on, leg) };
  const description = describe(leg, media as MessageMedia);
  const other = { ...description, media: [{ kind: "other", type: "audio", port: 9, protocol: "RTP/AVP", formats: "0" } as const] };
  return { contentType: "application/sdp", body: formatSdp(offered === "acceptable" ? description : other) };
}

function fileOf(scene: Scene, on: Address, leg: Leg): MessageMedia["file"] {
  const file = scene.transfers.get(seatOf(on))?.offered.media.file;
  return file && (leg.upload ? file : fileInAnswer(file, "recvonly"));
}

function reinvite(scene: Scene, { on, event }: Stimulus): Act {
  const leg = legAt(scene, on);
  const dialog = dialogAt(scene, on);
  const { service } = leg.contribution;
  const headers: HeaderFields = [["Contact", leg.user.contact(service, leg.device)], ...calling, allowed(leg)];
  return asks(scene, leg.user, dialog.request("INVITE", { ...renewed(scene, on, event["offer"]), headers }));
}

/** An UPDATE without a body refreshes, and nothing more. @see RFC 4028 §7.4 */
function update(scene: Scene, { on, event }: Stimulus): Act {
  const leg = legAt(scene, on);
  const headers: HeaderFields = [["Contact", leg.user.contact(leg.contribution.service, leg.device)], ...calling];
  const body = event["offer"] === "acceptable" ? {} : renewed(scene, on, "acceptable");
  return asks(scene, leg.user, dialogAt(scene, on).request("UPDATE", { ...body, headers }));
}

const refreshed: { readonly [outcome: string]: number } = { accepted: 200, glare: 491, refused: 488, gone: 481 };

function answerRefresh(scene: Scene, { on, event }: Stimulus): Act {
  const leg = legAt(scene, on);
  const { refresh } = leg;
  if (refresh === undefined) throw new NotSetUp(`${on} has no refresh to answer`);
  const status = refreshed[event["outcome"] as string]!;
  const isInvite = refresh.message.method === "INVITE";
  const headers: HeaderFields = status === 200 ? [["Contact", leg.user.contact(leg.contribution.service, leg.device)], ...answering, allowed(leg)] : [];
  const content: Content = status === 200 && isInvite ? renewed(scene, on, "acceptable") : {};
  leg.refresh = undefined;
  return { send: () => refresh.reply(answerOf(refresh.message, status, leg.tag, { ...content, headers })) };
}

function answerBye(scene: Scene, { on }: Stimulus): Act {
  const leg = legAt(scene, on);
  const { bye: heard } = leg;
  if (heard === undefined) throw new NotSetUp(`${on} has no BYE to answer`);
  return { send: () => heard.reply(answerOf(heard.message, 200, leg.tag)) };
}

// ---------------------------------------------------------------- answers to their INVITE

function answerInvite(scene: Scene, on: Address, status: number, content: Content = {}): Act {
  const leg = legAt(scene, on);
  const { invite } = leg;
  if (invite === undefined) throw new NotSetUp(`${on} has no INVITE to answer`);
  const headers: HeaderFields = [...(status < 300 ? [["Contact", leg.user.contact(leg.contribution.service, leg.device)] as const] : []), ...(content.headers ?? [])];
  return {
    send: () => {
      if (status >= 200 && status < 300) leg.dialog = Dialog.answered(leg.user, invite.message, leg.tag);
      invite.reply(answerOf(invite.message, status, leg.tag, { ...content, headers }));
    },
  };
}

function accept(scene: Scene, { on, event }: Stimulus): Act {
  const leg = legAt(scene, on);
  const transfer = on.startsWith("recipient ") ? scene.transfers.get(seatOf(on)) : undefined;
  const media =
    transfer === undefined
      ? chatLine(leg, false)
      : { ...line(leg), ...shownTypes(event["wrappedTypes"], event["acceptTypes"]), direction: "recvonly" as const, file: fileInAnswer(transfer.offered.media.file!, "recvonly") };
  return answerInvite(scene, on, 200, { contentType: "application/sdp", body: formatSdp(describe(leg, media)), headers: [...answering, allowed(leg)] });
}

/** Two statuses of every class, by turns. A cancelled INVITE ends with 487, unless its refusal has crossed the CANCEL. */
function refuse(scene: Scene, { on, event }: Stimulus): Act {
  const isCancelled = snapshotOf(scene.model, scene.place.server, on)?.matches("calling" as never) === false;
  const statuses = { declined: [603, 603], unreachable: isCancelled ? [487, 487] : [480, 486], failed: [404, 415] }[event["outcome"] as "declined" | "unreachable" | "failed"];
  return answerInvite(scene, on, statuses[legAt(scene, on).number % 2]!);
}

// ---------------------------------------------------------------- MSRP

async function bind(scene: Scene, { on }: Stimulus): Promise<Act> {
  const leg = legAt(scene, on);
  const link = await scene.connect(leg);
  return { answers: { leg, status: 200 }, send: () => void link.bind() };
}

function cut(scene: Scene, on: Address): Act {
  const { link } = legAt(scene, on);
  return { send: () => link?.cut() };
}

function uploads(scene: Scene, on: Address, chunkOf: (upload: Upload) => Parameters<NonNullable<Leg["link"]>["send"]>[0], status: number): Act {
  const leg = legAt(scene, on);
  const { link, upload } = leg;
  if (link === undefined || upload === undefined) throw new NotSetUp(`${on} has no MSRP session`);
  return { answers: { leg, status }, send: () => void link.send(chunkOf(upload)) };
}

async function answersChunks(scene: Scene, on: Address, status: number): Promise<Act> {
  const { link, delivery } = legAt(scene, on);
  if (link === undefined || delivery === undefined) throw new NotSetUp(`${on} gets no file`);
  const held = await Promise.race([delivery.held(), pause(patienceMs).then(() => undefined)]);
  if (held === undefined) throw new NotSetUp(`no octet of the file has come to ${on}`);
  return { send: () => held.forEach((frame) => link.answer(frame, status)) };
}

// ---------------------------------------------------------------- the others

function refuseNotify(scene: Scene, { on }: Stimulus): Act {
  const { notify } = scene.subscriptions.get(on) ?? ({} as Partial<Subscription>);
  if (notify === undefined) throw new NotSetUp(`${on} has no NOTIFY to refuse`);
  return { send: () => notify.reply(answerOf(notify.message, 481, "")) };
}

/** A timer: on command, or by waiting for it. */
function expire(scene: Scene, { on, event }: Stimulus): Act {
  const timer = delayOf(event.type)!;
  const { controlled } = scene.target;
  const { server } = scene.place;
  const group = scene.group;
  const { machine } = server.instances.get(on)!;
  const nth = runningIn(scene, server, machine, timer).indexOf(on);
  if (controlled === undefined) return { send: () => pause(lengthOf(scene, { on, event })) };
  return {
    send: async () => {
      const expired = await Promise.race([controlled.expire({ group, machine, timer, nth }), pause(patienceMs).then(() => undefined)]);
      if (expired !== true) throw new NotSetUp(expired === undefined ? "the clock of the target does not answer" : `no ${timer} runs in the ${nth}th ${machine}`);
    },
  };
}

/** The machines of that name in which the timer runs, in the order in which they began. */
function runningIn(scene: Scene, server: Server, machine: string, timer: string): Address[] {
  return scene.model.timers(server).filter(({ on, event }) => server.instances.get(on)?.machine === machine && delayOf(event.type) === timer).map(({ on }) => on);
}

export const recipientOf = placeOf;
