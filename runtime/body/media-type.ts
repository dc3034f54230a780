/** A media type with its parameters. @see RFC 2045 §5.1 */
export interface MediaType {
  /** `type/subtype` in lower case. */
  readonly essence: string;
  /** Names in lower case, values without their quotes; the first of a repeated name. */
  readonly parameters: ReadonlyMap<string, string>;
}

/** Reads the value of a Content-Type field, or of a Content-Disposition field, which has the same form. */
export function parseMediaType(text: string): MediaType {
  const semicolon = text.indexOf(";");
  const essence = (semicolon < 0 ? text : text.slice(0, semicolon)).trim().toLowerCase();
  const parameters = new Map<string, string>();
  if (semicolon >= 0) {
    for (const [name, value] of parseParameters(text, semicolon + 1)) {
      if (!parameters.has(name)) parameters.set(name, value ?? "");
    }
  }
  return { essence, parameters };
}

/** More parameters than any field of ours has; the rest is not read. */
const mostParameters = 64;

/**
 * The parameters `name[=value]` separated by semicolons, as MIME and SIP write them.
 *
 * In order, names in lower case; quotes are removed with their escapes, space
 * around a name or value is not part of it. No input is an error.
 */
export function parseParameters(text: string, from = 0): [name: string, value: string | undefined][] {
  const parameters: [string, string | undefined][] = [];
  let at = from;
  while (at < text.length && parameters.length < mostParameters) {
    const nameEnd = endOfName(text, at);
    const name = text.slice(at, nameEnd).trim().toLowerCase();
    if (text[nameEnd] !== "=") {
      if (name !== "") parameters.push([name, undefined]);
      at = nameEnd + 1;
      continue;
    }
    const { value, end } = readValue(text, nameEnd + 1);
    if (name !== "") parameters.push([name, value]);
    at = end + 1;
  }
  return parameters;
}

function endOfName(text: string, from: number): number {
  let at = from;
  while (at < text.length && text[at] !== "=" && text[at] !== ";") at += 1;
  return at;
}

/** A token or quoted string; `end` is the semicolon that follows it, or the end of the text. */
function readValue(text: string, from: number): { value: string; end: number } {
  let at = from;
  while (text[at] === " " || text[at] === "\t") at += 1;
  if (text[at] === '"') {
    const { content, end } = readQuoted(text, at);
    return { value: content, end: endOfParameter(text, end) };
  }
  const end = endOfParameter(text, at);
  return { value: text.slice(at, end).trim(), end };
}

function endOfParameter(text: string, from: number): number {
  const semicolon = text.indexOf(";", from);
  return semicolon < 0 ? text.length : semicolon;
}

/** The content of the quoted string that opens at `from`, and where it ends; one that never closes ends with the text. */
export function readQuoted(text: string, from: number): { content: string; end: number } {
  const close = text.indexOf('"', from + 1);
  const content = text.slice(from + 1, close);
  return close < 0 || content.includes("\\") ? readEscaped(text, from) : { content, end: close + 1 };
}

function readEscaped(text: string, from: number): { content: string; end: number } {
  let content = "";
  let at = from + 1;
  while (at < text.length && text[at] !== '"') {
    if (text[at] === "\\" && at + 1 < text.length) at += 1;
    content += text[at];
    at += 1;
  }
  return { content, end: Math.min(at + 1, text.length) };
}
