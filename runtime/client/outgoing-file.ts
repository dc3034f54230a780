import type { Readable } from "node:stream";
import { createPart } from "../body/multipart.ts";
import type { BodyPart } from "../body/multipart.ts";
import type { DispositionRequest } from "../body/imdn.ts";
import type { FileDescription, MessageMedia } from "../body/sdp.ts";
import type { MessageStream } from "../msrp/session.ts";
import type { HeaderFields } from "../sip/content.ts";
import { formatMessage } from "./chat-message.ts";
import type { Envelope } from "./chat-message.ts";
import type { Device } from "./device.ts";
import { reasons } from "./group-leg.ts";
import { Leg } from "./leg.ts";
import type { Answer } from "./leg.ts";
import { openFile, selectorOf } from "./local-file.ts";
import type { LocalFile } from "./local-file.ts";
import { Eventual } from "./waiting.ts";

export interface FileOptions {
  readonly conversationId: string;
  readonly contributionId?: string | undefined;
  /** The Contribution-ID of what this answers or resumes. */
  readonly inReplyTo?: string | undefined;
  readonly fileTransferId?: string | undefined;
  readonly addressee?: "user" | "group" | undefined;
  /** Delivery unless said. */
  readonly asksFor?: readonly DispositionRequest[] | undefined;
  /** Says BYE when every octet was acknowledged, unless told not to. */
  readonly hangUp?: boolean | undefined;
  /** Names the file by its SHA-1 unless told not to. */
  readonly hash?: boolean | undefined;
  readonly headers?: HeaderFields | undefined;
  /** The last word on what is said of the file. */
  readonly describe?: ((file: FileDescription) => FileDescription) | undefined;
  readonly change?: ((media: MessageMedia) => MessageMedia) | undefined;
  /** Octets that were given to the connection so far, out of all. */
  readonly onProgress?: ((octets: number, of: number) => void) | undefined;
}

/**
 * What became of a file that was offered.
 *
 * `delivered`: every octet was acknowledged by the peer, which is not yet to say
 * by the receivers. `failed`: a chunk was answered with that MSRP status.
 */
export type FileOutcome =
  | { readonly is: "delivered"; readonly octets: number }
  | { readonly is: "refused"; readonly status: number; readonly reason: string; readonly warning: string | undefined }
  | { readonly is: "failed"; readonly msrpStatus: number }
  | { readonly is: "ended"; readonly by: string; readonly reason: string | undefined };

/** A file that this client offers and sends. @see RFC 5547 §8 */
export class OutgoingFile {
  /** imdn.Message-ID, which disposition notifications of the file name. */
  readonly messageId: string;
  readonly contributionId: string;
  readonly fileTransferId: string;
  readonly leg: Leg;
  readonly outcome: Eventual<FileOutcome>;
  readonly #device: Device;
  readonly #file: LocalFile;
  readonly #size: number;
  readonly #options: FileOptions;
  #stream: MessageStream | undefined;
  #source: Readable | undefined;

  private constructor(device: Device, file: LocalFile, size: number, options: FileOptions, callId: string) {
    this.#device = device;
    this.#file = file;
    this.#size = size;
    this.#options = options;
    this.messageId = device.random(96);
    this.contributionId = options.contributionId ?? device.contributionIdOf(callId);
    this.fileTransferId = options.fileTransferId ?? device.random(128);
    this.outcome = new Eventual(`the outcome of ${device.name}'s file ${file.name}`, device.clock);
    this.leg = new Leg(device, `file ${file.name}`, { onMessage: (message) => message.respond(403) });
  }

  /** Offers the file to a user or to a group. */
  static async offer(device: Device, to: string, file: LocalFile, options: FileOptions): Promise<OutgoingFile> {
    const selector = await selectorOf(file, options.hash);
    const callId = device.random(96);
    const outgoing = new OutgoingFile(device, file, selector.size, options, callId);
    outgoing.#offer(to, callId, { selector, transferId: outgoing.fileTransferId, disposition: file.disposition, date: file.date });
    return outgoing;
  }

  #offer(to: string, callId: string, described: FileDescription): void {
    const { conversationId, inReplyTo, addressee = "group", headers = [], describe = (file) => file, change } = this.#options;
    const { name, type, icon } = this.#file;
    const iconId = `icon-${this.#device.random(64)}@cpm.client`;
    const about = `${addressee === "group" ? "group " : ""}file ${name}`;
    this.leg.answered.on((answer) => this.#answered(answer));
    this.leg.call({
      service: "filetransfer",
      addressee,
      requestUri: to,
      callId,
      about,
      headers: [
        ["Conversation-ID", conversationId],
        ["Contribution-ID", this.contributionId],
        ...(inReplyTo === undefined ? [] : [["InReplyTo-Contribution-ID", inReplyTo] as const]),
        ...headers,
      ],
      terms: {
        acceptTypes: ["message/cpim", type],
        acceptWrappedTypes: [type, "*"],
        direction: "sendonly",
        file: describe({ ...described, icon: icon && `cid:${iconId}` }),
        change,
      },
      parts: [this.#cpimPart(to), ...(icon ? [iconPart(icon.type, icon.octets, iconId)] : [])],
    });
  }

  /** The CPIM header of the file: whose it is, and what its sender wants to be told. */
  #cpimPart(to: string): BodyPart {
    const { asksFor = ["positive-delivery"] } = this.#options;
    const envelope: Envelope = { from: this.#device.uri, to, messageId: this.messageId, dateTime: new Date(this.#device.clock.wall()).toISOString() };
    return createPart({ contentType: "message/cpim" }, formatMessage({ ...envelope, asksFor }));
  }

  #answered({ status, reason, warning }: Answer): void {
    if (status >= 300) return this.outcome.settle({ is: "refused", status, reason, warning });
    this.leg.ended.on(({ by, reason }) => this.#ended(by, reason));
    this.leg.lost.on((loss) => this.#ended("connection", loss));
    this.leg.bound.on(() => this.#send());
  }

  #ended(by: string, reason: string | undefined): void {
    this.#source?.destroy();
    this.outcome.settle({ is: "ended", by, reason });
  }

  #send(): void {
    const { name, type } = this.#file;
    this.#device.tell("sent", "MSRP", `SEND ${name}, ${this.#size} octets`);
    this.#source = openFile(this.#file);
    this.#stream = this.leg.session.openMessage({
      contentType: type,
      totalOctets: this.#size,
      onDrain: () => this.#source?.resume(),
      onFailed: (msrpStatus) => this.#finish({ is: "failed", msrpStatus }),
      onDelivered: () => this.#finish({ is: "delivered", octets: this.#size }),
    });
    this.#pump(this.#source, this.#stream);
  }

  #pump(source: Readable, stream: MessageStream): void {
    let taken = 0;
    source.on("data", (octets: Buffer) => {
      if (!stream.write(octets)) source.pause();
      taken += octets.length;
      this.#options.onProgress?.(taken - stream.queuedOctets, this.#size);
    });
    source.on("end", () => stream.end());
    source.on("error", () => this.abort());
  }

  #finish(outcome: FileOutcome): void {
    const said = outcome.is === "failed" ? `${outcome.msrpStatus}` : "200";
    this.#device.tell("received", "MSRP", `${said} (SEND ${this.#file.name})`);
    this.#source?.destroy();
    this.outcome.settle(outcome);
    if (this.#options.hangUp !== false) this.leg.bye(reasons.left);
  }

  /** Abandons the file: the last chunk carries `#`. The dialog lives on. */
  abort(): void {
    this.#source?.destroy();
    this.#stream?.abort();
  }
}

function iconPart(contentType: string, octets: Buffer, id: string): BodyPart {
  const lines = octets.toString("base64").replace(/.{76}(?!$)/g, "$&\r\n");
  return createPart({ contentType, transferEncoding: "base64", contentId: `<${id}>`, disposition: "icon" }, Buffer.from(lines));
}
