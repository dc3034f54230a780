import { contentFieldOf, parseCpim, type CpimMessage } from "../body/cpim.ts";
import { parseMediaType } from "../body/media-type.ts";
import { PeerMisbehaved } from "../errors.ts";
import type { HeaderFields } from "./message.ts";

/** What may stand in front of a file that travels as message/cpim. */
export const mostWrapperOctets = 16_384;

/** The CPIM headers and the header fields of the content, in front of a file. @see RFC 3862 §2 */
export interface Wrapper {
  /** As they came, with the blank line before the file. */
  readonly octets: Buffer;
  /** The file's own. */
  readonly contentType: string;
  /** What else describes the file, for an MSRP message that carries it alone. */
  readonly headers: HeaderFields;
  /** The content is not the file's octets but an encoding of them. */
  readonly isEncoded: boolean;
}

/** Encodings that leave the octets as they are. @see RFC 2045 §6.2 */
const identityEncodings: ReadonlySet<string> = new Set(["7bit", "8bit", "binary"]);
/** Header fields of the content that stay with the file. */
const keptFields = ["Content-ID", "Content-Description", "Content-Disposition", "Content-Transfer-Encoding"];

const lf = 10;
const cr = 13;
const nothing = Buffer.alloc(0);

export const isWrapping = (contentType: string): boolean => parseMediaType(contentType).essence === "message/cpim";

/** Takes the wrapper off the front of a stream of octets, however it is cut; each octet is looked at once. */
export class WrapperReader {
  /** There once its last octet has come. */
  wrapper: Wrapper | undefined;
  readonly #octets = Buffer.allocUnsafeSlow(mostWrapperOctets);
  #end = 0;
  #lineStart = 0;
  #blankLines = 0;

  /** Octets of the wrapper that are here. */
  get octetsRead(): number {
    return this.#end;
  }

  /**
   * Takes the next octets of the message, while there is no wrapper.
   *
   * @returns those that are the file's
   * @throws {PeerMisbehaved} CPIM_MALFORMED, 400: it does not end within `mostWrapperOctets`, or is no CPIM header
   */
  read(octets: Buffer): Buffer {
    for (let at = 0; at < octets.length; at += 1) {
      if (this.#end === mostWrapperOctets) throw malformed(`a wrapper above ${mostWrapperOctets} octets`);
      this.#octets[this.#end++] = octets[at]!;
      if (octets[at] === lf && this.#endsWrapper()) {
        this.wrapper = readWrapper(Buffer.from(this.#octets.subarray(0, this.#end)));
        return octets.subarray(at + 1);
      }
    }
    return nothing;
  }

  /** A line is complete: whether it is the second blank one. */
  #endsWrapper(): boolean {
    const lineOctets = this.#end - this.#lineStart;
    const isBlank = lineOctets === 1 || (lineOctets === 2 && this.#octets[this.#lineStart] === cr);
    this.#lineStart = this.#end;
    if (isBlank) this.#blankLines += 1;
    return this.#blankLines === 2;
  }
}

function readWrapper(octets: Buffer): Wrapper {
  const cpim = parseCpim(octets);
  const encoding = contentFieldOf(cpim, "Content-Transfer-Encoding")?.toLowerCase() ?? "binary";
  return {
    octets,
    // The default of RFC 2045 §5.2.
    contentType: octetField(cpim, "Content-Type") ?? "text/plain",
    headers: keptFields.flatMap((name) => {
      const value = octetField(cpim, name);
      return value === undefined ? [] : [[name, value] as const];
    }),
    isEncoded: !identityEncodings.has(encoding),
  };
}

/** A field of the content, one character an octet as MSRP writes it. */
function octetField(cpim: CpimMessage, name: string): string | undefined {
  const value = contentFieldOf(cpim, name);
  return value === undefined ? undefined : Buffer.from(value).toString("latin1");
}

function malformed(detail: string): PeerMisbehaved {
  return new PeerMisbehaved("CPIM_MALFORMED", "RFC 3862 §2", 400, detail);
}
