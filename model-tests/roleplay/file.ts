/** A file as its sender sends it, and as a recipient gets it. */
import { createHash } from "node:crypto";
import type { Policies } from "../../machines/policies.ts";
import { createPart, type BodyPart } from "../../runtime/body/multipart.ts";
import type { FileDescription } from "../../runtime/body/sdp.ts";
import { formatMessage } from "../../runtime/client/chat-message.ts";
import { formatHash } from "../../runtime/client/local-file.ts";
import { token, type Chunk, type Frame } from "./msrp-link.ts";
import { fileOctets } from "./policy-sets.ts";
import { wrong, type Finding } from "./watch.ts";

const type = "image/jpeg";
const icon = Buffer.from("iVBORw0KGgo=");

/** Octet i is i mod 251, so that a shift shows. */
const specimen = (size: number): Buffer => Buffer.from(Uint8Array.from({ length: size }, (_, at) => at % 251));

/** How many octets a file has that the machines hear of as 1 or 2: within the limit, and above. */
const sizeOf = (heard: 1 | 2, { maxFileOctets }: Policies): number => (heard === 1 ? Math.min(fileOctets.within, maxFileOctets) : maxFileOctets + 1);

/** One file on its way to the group. */
export class Upload {
  /** The media line says it. */
  readonly description: FileDescription;
  /** What goes with the session description. */
  readonly parts: readonly BodyPart[];
  /** The whole MSRP message. */
  readonly octets: Buffer;
  readonly contentType: string;
  readonly #file: Buffer;
  readonly #messageId = token();
  #sent = 0;

  /** Where policy may take the wrapper off, the file travels in a CPIM message. */
  constructor(policies: Policies, heard: 1 | 2, from: string, to: string) {
    const size = sizeOf(heard, policies);
    // One that is announced and never sent need not be there.
    this.#file = specimen(heard === 1 ? size : 0);
    const iconId = `icon-${token()}@players.example`;
    const hash = formatHash(createHash("sha1").update(this.#file).digest());
    this.description = { selector: { name: "photo.jpg", type, size, hashes: [{ hash: "sha-1", value: hash }] }, disposition: "render", icon: `cid:${iconId}` };
    const envelope = { from, to, messageId: token(), dateTime: new Date().toISOString(), asksFor: ["positive-delivery"] as const };
    this.parts = [createPart({ contentType: "message/cpim" }, formatMessage(envelope)), createPart({ contentType: "image/png", transferEncoding: "base64", contentId: `<${iconId}>`, disposition: "icon" }, icon)];
    const isWrapped = policies.wrappedTypes === "sendUnwrapped" || policies.wrappedTypes === "sendAnyway";
    this.contentType = isWrapped ? "message/cpim" : type;
    this.octets = isWrapped ? formatMessage({ ...envelope, contentType: type, content: this.#file }) : this.#file;
  }

  /** The first octets, and not the last: the wrapper and half of the file. */
  get first(): Chunk {
    return this.#chunk(this.octets.length - Math.floor(this.#file.length / 2), "+");
  }

  get rest(): Chunk {
    return this.#chunk(this.octets.length, "$");
  }

  /** What abandons it: some octets more, and no end. */
  get abandoned(): Chunk {
    return this.#chunk(Math.min(this.octets.length, this.#sent + 64), "#");
  }

  /** More than was announced. */
  get tooLong(): Chunk {
    return { ...this.#chunk(Math.min(this.octets.length, this.#sent + 64), "+"), total: this.octets.length + 20_000 };
  }

  #chunk(end: number, flag: Chunk["flag"]): Chunk {
    const at = this.#sent;
    this.#sent = end;
    return { messageId: this.#messageId, contentType: this.contentType, octets: this.octets.subarray(at, end), at, total: this.octets.length, flag };
  }

  /** What a recipient gets. */
  delivered(unwrapped: boolean): { readonly octets: Buffer; readonly contentType: string } {
    return unwrapped ? { octets: this.#file, contentType: type } : { octets: this.octets, contentType: this.contentType };
  }
}

/** What one recipient gets of a file; its chunks are answered when the recipient wants to. */
export class Delivery {
  readonly upload: Upload;
  /** As the model said when it began to deliver. */
  unwrapped = false;
  /** It has to be here whole. */
  due = false;
  readonly #held: Frame[] = [];
  #pieces: Buffer[] = [];
  #octets = 0;
  #contentType: string | undefined;
  #came: (() => void) | undefined;

  constructor(upload: Upload) {
    this.upload = upload;
  }

  /** @returns what is wrong with its range */
  take(frame: Frame): Finding | undefined {
    const { byteRange, contentType } = frame.head;
    this.#contentType ??= contentType;
    this.#held.push(frame);
    this.#came?.();
    if (frame.body.length > 0 && byteRange?.start !== this.#octets + 1) return wrong(`a chunk begins at octet ${byteRange?.start ?? "unknown"}, and ${this.#octets + 1} comes next`);
    this.#pieces.push(frame.body);
    this.#octets += frame.body.length;
    return undefined;
  }

  /** What is wrong with the whole. */
  check({ head: { byteRange } }: Frame): Finding | undefined {
    const { octets, contentType } = this.upload.delivered(this.unwrapped);
    if (this.#contentType !== contentType) return wrong(`the file came as ${this.#contentType} instead of ${contentType}`);
    if (byteRange?.total !== octets.length) return wrong(`the Byte-Range names ${byteRange?.total ?? "no"} octets instead of ${octets.length}`);
    return Buffer.concat(this.#pieces).equals(octets) ? undefined : wrong(`the ${this.#octets} octets are not those of the sender`);
  }

  /** The chunks that are not answered; resolves when there is one. */
  async held(): Promise<readonly Frame[]> {
    if (this.#held.length === 0) await new Promise<void>((resolve) => (this.#came = resolve));
    return this.#held.splice(0);
  }
}
