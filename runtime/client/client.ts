import { createHmac } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:net";
import { formatAcceptContact, formatFeature, formatInstance, formatServiceId, serviceOf } from "../body/feature-tags.ts";
import type { Service } from "../body/feature-tags.ts";
import { createPart } from "../body/multipart.ts";
import { formatResourceLists } from "../body/resource-lists.ts";
import type { Clock } from "../clock.ts";
import { systemClock } from "../clock.ts";
import { PeerMisbehaved } from "../errors.ts";
import { MsrpEndpoint } from "../msrp/endpoint.ts";
import type { TlsOptions } from "../msrp/endpoint.ts";
import type { Random } from "../random.ts";
import { systemRandom } from "../random.ts";
import type { HeaderFields } from "../sip/content.ts";
import { SipEndpoint } from "../sip/endpoint.ts";
import type { IncomingInvite } from "../sip/invite-server.ts";
import type { IncomingRequest } from "../sip/incoming-request.ts";
import { textToOctets } from "../sip/message.ts";
import type { SipMessage } from "../sip/message.ts";
import { Resolver } from "../sip/resolver.ts";
import type { ListenSpec, Target, TransportName } from "../sip/transport.ts";
import { formatNameAddr, parseUri } from "../sip/uri.ts";
import { chatTerms, closedGroup } from "./chat-terms.ts";
import type { Device, WireEvent } from "./device.ts";
import { GroupLeg } from "./group-leg.ts";
import type { ChatTerms } from "./group-leg.ts";
import { ChatInvitation, FileInvitation } from "./invitation.ts";
import type { Invitation } from "./invitation.ts";
import type { ReceivedFile } from "./incoming-file.ts";
import { lineOf } from "./leg.ts";
import type { Answer, Call, Terms } from "./leg.ts";
import type { LocalFile } from "./local-file.ts";
import { OutgoingFile } from "./outgoing-file.ts";
import type { FileOptions } from "./outgoing-file.ts";
import { Arrivals, Eventual } from "./waiting.ts";

export interface CpmClientOptions {
  /** The user's address, e.g. `sip:alice@cpm.example`. */
  readonly uri: string;
  /** For people, who see it as the display name; the user part of the address unless given. */
  readonly name?: string | undefined;
  /** The device, e.g. `urn:gsma:imei:35824005-000001-0`. */
  readonly instance?: string | undefined;
  /** Registrar and Controlling Function, or the proxy in front of them. */
  readonly server: Target;
  /** Where we listen; any port of 127.0.0.1, with the server's transport, unless given. With UDP, for TCP at the same port too. */
  readonly listen?: ListenSpec | undefined;
  readonly msrp?: { readonly transport: "tcp" | "tls"; readonly host: string; readonly port: number } | undefined;
  readonly tls?: TlsOptions | undefined;
  /** Decides about every invitation. Without it they are kept in `chats` and `files` until a script takes them. */
  readonly onInvitation?: ((invitation: Invitation) => void) | undefined;
  readonly onWire?: ((event: WireEvent) => void) | undefined;
  /** Asks for session timers unless 0. */
  readonly sessionExpiresMs?: number | undefined;
  readonly clock?: Clock | undefined;
  readonly random?: Random | undefined;
}

export interface NewGroup {
  readonly subject?: string | undefined;
  readonly recipients: readonly string[];
  readonly closed?: boolean | undefined;
  /** Those of a group that is started again. */
  readonly conversationId?: string | undefined;
  readonly contributionId?: string | undefined;
}

/** A group that is known from before. */
export interface KnownGroup {
  readonly conversationId?: string | undefined;
  readonly contributionId?: string | undefined;
  readonly subject?: string | undefined;
  /** `user`: a session with one user, who has no focus. */
  readonly addressee?: "user" | "group" | undefined;
}

/** The INVITE was refused. */
export class Refused extends Error {
  override readonly name = "Refused";
  readonly answer: Answer;

  constructor(about: string, answer: Answer) {
    super(`${about}: ${lineOf(answer.response)}${answer.cause === undefined ? "" : `, made here: ${answer.cause}`}`);
    this.answer = answer;
  }
}

/** What the client can do, for its registration. */
const capabilities: readonly Service[] = ["session", "filetransfer"];

/** A CPM Client on real sockets, as a script plays it. */
export class CpmClient implements Device {
  readonly name: string;
  readonly uri: string;
  readonly server: Target;
  readonly clock: Clock;
  readonly random: Random;
  readonly sip: SipEndpoint;
  readonly msrp: MsrpEndpoint;
  /** Invitations to chat that nobody has decided about. */
  readonly chats: Arrivals<ChatInvitation>;
  /** Invitations to receive a file that nobody has decided about. */
  readonly files: Arrivals<FileInvitation>;
  /** MESSAGE requests, answered 200. */
  readonly pagers: Arrivals<SipMessage>;
  readonly #options: CpmClientOptions;
  readonly #transport: TransportName;
  /** The secret of the device behind its Contribution-IDs. */
  readonly #secret: string;
  #address: Target | undefined;
  readonly #registration: { readonly callId: string; cseq: number };
  /** Chat sessions by Conversation-ID, for the notifications of files. */
  readonly #groups = new Map<string, GroupLeg>();

  private constructor(options: CpmClientOptions, listeners: readonly [ListenSpec, ...ListenSpec[]]) {
    const { uri, name = parseUri(uri).user ?? uri, server, clock = systemClock, random = systemRandom, tls, sessionExpiresMs } = options;
    this.#options = options;
    this.#transport = listeners[0].transport;
    this.#secret = random(128);
    this.#registration = { callId: random(96), cseq: 0 };
    this.name = name;
    this.uri = uri;
    this.server = server;
    this.clock = clock;
    this.random = random;
    this.chats = new Arrivals(`an invitation to chat for ${name}`, clock, ({ about }) => about);
    this.files = new Arrivals(`an invitation to receive a file for ${name}`, clock, ({ about }) => about);
    this.pagers = new Arrivals(`a MESSAGE for ${name}`, clock, ({ from }) => `from ${from.uri}`);
    this.msrp = new MsrpEndpoint({ clock, random, ...(tls && { tls }) });
    this.sip = new SipEndpoint({
      listen: listeners,
      clock,
      random,
      product: "CPM-client/OMA2.0",
      supported: ["timer", "100rel", "norefersub"],
      resolver: new OneWayOut(server),
      sessionExpiresMs,
      ...(tls && { tls }),
      user: { onInvite: (invite) => this.#invited(invite), onMessage: (message) => this.#paged(message) },
    });
  }

  /** Makes a client that listens. @throws {Error} a socket cannot be bound */
  static async start(options: CpmClientOptions): Promise<CpmClient> {
    const { transport, host, port } = options.listen ?? { transport: options.server.transport, host: "127.0.0.1", port: 0 };
    for (let attempts = port === 0 ? 5 : 1; ; attempts--) {
      const at = transport === "udp" && port === 0 ? await freePort(host) : port;
      const listener = { transport, host, port: at };
      const client = new CpmClient(options, transport === "udp" ? [listener, { ...listener, transport: "tcp" }] : [listener]);
      try {
        return await client.#listen();
      } catch (error) {
        await client.close();
        if (attempts === 1) throw error;
      }
    }
  }

  async #listen(): Promise<this> {
    await this.msrp.listen(this.#options.msrp ?? { transport: "tcp", host: "127.0.0.1", port: 0 });
    [this.#address] = await this.sip.start();
    return this;
  }

  /** Where it listens for SIP. */
  get address(): Target {
    if (this.#address === undefined) throw new Error(`${this.name} does not listen`);
    return this.#address;
  }

  /** Closes the sockets, without a word to anybody. */
  async close(): Promise<void> {
    for (const group of this.#groups.values()) group.leg.abandon();
    await Promise.all([this.msrp.close(), this.sip.close()]);
  }

  // ------------------------------------------------------------ registration

  /** Registers this device. 0 s: takes the registration back. @returns the status of the answer */
  register(expiresS = 600): Promise<number> {
    const answer = new Eventual<number>(`the answer to ${this.name}'s REGISTER`, this.clock);
    const { host } = parseUri(this.uri);
    this.#registration.cseq += 1;
    this.tell("sent", "SIP", "REGISTER");
    const asked = {
      ...this.#registration,
      requestUri: `sip:${host}`,
      from: this.uri,
      to: this.uri,
      contact: this.#contact(...capabilities),
      destination: this.server,
      headers: [["Expires", String(expiresS)]] as const,
    };
    this.sip.request("REGISTER", asked, (response) => {
      this.tell("received", "SIP", lineOf(response));
      answer.settle(response.status);
    });
    return answer.within();
  }

  // ------------------------------------------------------------ groups

  /** Creates a group at the conference factory. @throws {Refused} @throws {DeadlineMissed} @see RFC 5366 §4 */
  createGroup(factory: string, { recipients, closed = false, ...known }: NewGroup, terms: ChatTerms & Partial<Terms> = {}): Promise<GroupLeg> {
    const entries = recipients.map((uri) => ({ uri, copyControl: "to" }) as const);
    const list = createPart({ contentType: "application/resource-lists+xml", disposition: "recipient-list" }, formatResourceLists(entries));
    return this.#chat(factory, { ...known, addressee: "group" }, closed ? { chatroom: [closedGroup], ...terms } : terms, {
      about: `group ${JSON.stringify(known.subject ?? "")} with ${recipients.join(", ")}`,
      headers: [["Require", "recipient-list-invite"]],
      parts: [list],
    });
  }

  /** Joins a group by its identity, or comes back; with `addressee: "user"`, begins a chat with one user. @throws {Refused} @throws {DeadlineMissed} */
  join(identity: string, group: KnownGroup = {}, terms: ChatTerms & Partial<Terms> = {}): Promise<GroupLeg> {
    return this.#chat(identity, group, terms, { about: `to join ${identity}`, headers: [], parts: [] });
  }

  async #chat(requestUri: string, known: KnownGroup, terms: ChatTerms & Partial<Terms>, call: Pick<Call, "about" | "headers" | "parts">): Promise<GroupLeg> {
    const callId = this.random(96);
    const { conversationId = uuidOf(this.random(128)), contributionId = this.contributionIdOf(callId), subject, addressee = "group" } = known;
    const group = new GroupLeg(this, { conversationId, contributionId, subject }, terms);
    const identifiers: HeaderFields = [["Conversation-ID", conversationId], ["Contribution-ID", contributionId]];
    const headers: HeaderFields = [...identifiers, ...(subject === undefined ? [] : [["Subject", textToOctets(subject)] as const]), ...call.headers];
    group.leg.call({ ...call, service: "session", addressee, requestUri, callId, headers, terms: { ...chatTerms, ...terms } });
    const answer = await group.leg.answered.within();
    if (answer.status >= 300) throw new Refused(`${this.name}'s INVITE ${call.about}`, answer);
    await group.leg.bound.within();
    this.onJoined(group);
    return group;
  }

  onJoined(group: GroupLeg): void {
    const { conversationId } = group;
    this.#groups.set(conversationId, group);
    group.leg.ended.on(() => {
      if (this.#groups.get(conversationId) === group) this.#groups.delete(conversationId);
    });
  }

  // ------------------------------------------------------------ files

  /** Sends a file to a group that this client is in. */
  sendFile(group: GroupLeg, file: LocalFile, options: Partial<FileOptions> = {}): Promise<OutgoingFile> {
    return this.sendFileTo(group.identity, file, { conversationId: group.conversationId, ...options });
  }

  /** Sends a file to any address: a user, or a group that this client need not be in. */
  sendFileTo(uri: string, file: LocalFile, options: FileOptions): Promise<OutgoingFile> {
    return OutgoingFile.offer(this, uri, file, options);
  }

  /** Tells the sender, in the chat that the file belongs to, as it asked. */
  onReceived({ conversationId, cpim }: FileInvitation, { asOffered }: ReceivedFile): void {
    if (cpim?.asksFor.includes("positive-delivery") && asOffered) this.#groups.get(conversationId)?.notify(cpim, "delivered");
  }

  // ------------------------------------------------------------ invitations

  #invited(invite: IncomingInvite): void {
    try {
      this.#decide(this.#read(invite));
    } catch (fault) {
      if (!(fault instanceof PeerMisbehaved)) throw fault;
      this.tell("received", "SIP", `INVITE that is unusable: ${fault.fault}`);
      invite.reject(fault.status);
    }
  }

  /** The CPM File Transfer Feature Tag decides what it is. */
  #read(invite: IncomingInvite): Invitation {
    const { request } = invite;
    const service = serviceOf({
      acceptContact: request.getAll("accept-contact"),
      contact: request.getAll("contact"),
      service: [...request.getAll("p-asserted-service"), ...request.getAll("p-preferred-service")],
    });
    return service === "filetransfer" ? new FileInvitation(this, this, invite, service) : new ChatInvitation(this, this, invite, service ?? "session");
  }

  #decide(invitation: Invitation): void {
    this.tell("received", "SIP", `INVITE ${invitation.about}`);
    if (this.#options.onInvitation) this.#options.onInvitation(invitation);
    else if (invitation instanceof FileInvitation) this.files.arrive(invitation);
    else this.chats.arrive(invitation);
  }

  #paged(message: IncomingRequest): void {
    this.tell("received", "SIP", `MESSAGE from ${message.request.from.uri}`);
    message.respond(200);
    this.pagers.arrive(message.request);
  }

  // ------------------------------------------------------------ for its sessions

  contact(service: Service): string {
    return this.#contact(service);
  }

  #contact(...services: readonly Service[]): string {
    const { instance } = this.#options;
    const uri = this.sip.uri(parseUri(this.uri).user, this.#transport);
    return `<${uri}>;${formatFeature(...services)}${instance === undefined ? "" : `;${formatInstance(instance)}`}`;
  }

  serviceHeaders(service: Service, addressee: "user" | "group"): HeaderFields {
    return [
      ["Accept-Contact", formatAcceptContact(service)],
      ["P-Preferred-Service", formatServiceId(service, addressee)],
      ["P-Preferred-Identity", formatNameAddr({ display: textToOctets(this.#options.name ?? ""), uri: this.uri })],
    ];
  }

  /** The first 128 bits of a keyed hash of the Call-ID. */
  contributionIdOf(callId: string): string {
    return createHmac("sha1", this.#secret).update(callId).digest("hex").slice(0, 32);
  }

  tell(direction: WireEvent["direction"], protocol: WireEvent["protocol"], text: string): void {
    this.#options.onWire?.({ at: this.clock.now(), client: this.name, direction, protocol, text });
  }
}

/** Every request goes to the server, as a phone's go to the proxy that it registered through. @see RFC 5626 §4.3 */
class OneWayOut extends Resolver {
  readonly #server: Target;

  constructor(server: Target) {
    super();
    this.#server = server;
  }

  override async resolve(): Promise<Target[]> {
    return [this.#server];
  }
}

/** A port that nobody has, for UDP and TCP both. A request too large for UDP comes by TCP to the same port. @see RFC 3261 §18.1.1 */
async function freePort(host: string): Promise<number> {
  const server = createServer().listen(0, host);
  await once(server, "listening");
  const address = server.address();
  await new Promise((closed) => server.close(closed));
  return typeof address === "object" ? (address?.port ?? 0) : 0;
}

/** 128 random bits in the form of a UUID. @see RFC 4122 §4.4 */
function uuidOf(hex: string): string {
  const version = `4${hex.slice(13, 16)}`;
  const variant = `${((Number.parseInt(hex[16] ?? "0", 16) & 3) | 8).toString(16)}${hex.slice(17, 20)}`;
  return [hex.slice(0, 8), hex.slice(8, 12), version, variant, hex.slice(20)].join("-");
}
