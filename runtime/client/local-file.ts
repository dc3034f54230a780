import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { Readable } from "node:stream";
import type { FileDate, FileSelector, Fingerprint } from "../body/sdp.ts";

/** A file to be sent, and what is said of it. @see RFC 5547 §6 */
export interface LocalFile {
  readonly name: string;
  /** Its media type. */
  readonly type: string;
  readonly content: Buffer | { readonly path: string };
  /** What the receiver should do with it. */
  readonly disposition?: "render" | "attachment" | undefined;
  /** RFC 5322 dates with a numeric zone. */
  readonly date?: FileDate | undefined;
  /** A small picture of it. */
  readonly icon?: Icon | undefined;
}

export interface Icon {
  readonly type: string;
  readonly octets: Buffer;
}

/** The octets, piece by piece, none copied from a buffer. */
export function openFile({ content }: LocalFile): Readable {
  return Buffer.isBuffer(content) ? Readable.from(piecesOf(content), { objectMode: true }) : createReadStream(content.path, { highWaterMark: pieceOctets });
}

const pieceOctets = 65_536;

function* piecesOf(content: Buffer): Generator<Buffer> {
  for (let at = 0; at < content.length; at += pieceOctets) yield content.subarray(at, at + pieceOctets);
}

/** Name, type, size and, unless not wanted, SHA-1: the hash that every file selector may carry. */
export async function selectorOf(file: LocalFile, withHash = true): Promise<FileSelector & { readonly size: number }> {
  const { name, type, content } = file;
  const size = Buffer.isBuffer(content) ? content.length : (await stat(content.path)).size;
  return { name, type, size, hashes: withHash ? [await hashOf(file)] : [] };
}

async function hashOf(file: LocalFile): Promise<Fingerprint> {
  const hash = createHash("sha1");
  for await (const octets of openFile(file)) hash.update(octets as Buffer);
  return { hash: "sha-1", value: formatHash(hash.digest()) };
}

/** `F1:8B:92…`, as a file selector has it. */
export const formatHash = (digest: Buffer): string => digest.toString("hex").toUpperCase().replace(/..(?!$)/g, "$&:");
