/** Octets that a peer wrote, as lines for people: nothing in them can do anything to a terminal or a page. */
import { escape } from "../../runtime/client/ladder.ts";

const utf8 = new TextDecoder("utf-8", { fatal: true });

/** The text of octets, where they are UTF-8; else every octet above 126 by its number. */
function textOf(octets: Buffer): string {
  try {
    return utf8.decode(octets);
  } catch {
    return octets.toString("latin1").replace(/[\x80-\xff]/g, (octet) => `\\x${octet.charCodeAt(0).toString(16)}`);
  }
}

/** Octets as lines. CRLF ends a line; a line that ends otherwise says so. What is beyond `most` octets is only counted. */
export function linesOf(octets: Buffer, most = 4_096): string[] {
  const lines = textOf(octets.subarray(0, most)).split("\n").map((line, index, all) => {
    if (index === all.length - 1) return line;
    return line.endsWith("\r") ? line.slice(0, -1) : `${line}\n`;
  });
  if (lines.at(-1) === "") lines.pop();
  const shown = lines.map((line) => escape(line, Infinity));
  return octets.length > most ? [...shown, `… ${octets.length - most} octets more`] : shown;
}
