/** A trace or a capture, read from its file and drawn. */
import { closeSync, openSync, readSync } from "node:fs";
import { basename } from "node:path";
import { linesOf } from "../../model-tests/trace.ts";
import { captureConversation } from "./capture-conversation.ts";
import { embedded } from "../charts/fonts.ts";
import { ladder, type Conversation } from "./ladder.ts";
import { traceConversation, type TraceLine } from "./trace-conversation.ts";

/** More rows than that are left out, and the chart says so. */
const mostRows = 5_000;
/** More groups than that are too many to read beside each other. */
const mostGroups = 4;

/** `group` begins the name of a group: of a trace, that one is drawn alone. */
export const ladderOf = async (file: string, group?: string): Promise<string> => embedded(ladder(cut(await conversationOf(file, group))));

export async function conversationOf(file: string, group?: string): Promise<Conversation> {
  const conversation = isCapture(file) ? await captureConversation(file) : ofTrace(file, group);
  if (conversation.rows.length === 0) throw new Error(`${file} has nothing to draw: neither a trace of this server nor a capture with SIP or MSRP`);
  return conversation;
}

function ofTrace(file: string, group = ""): Conversation {
  const lines: TraceLine[] = [];
  const groups = new Set<string>();
  for (const line of traceLines(file)) {
    if (!line.of.startsWith(group)) continue;
    groups.add(line.of);
    if (groups.size <= mostGroups) lines.push(line);
  }
  if (groups.size > mostGroups) throw new Error(`${file} has ${groups.size} groups, too many for one chart: name one behind the file, such as ${[...groups][0]}`);
  return traceConversation(basename(file), lines);
}

function cut({ rows, lifelines, title }: Conversation): Conversation {
  if (rows.length <= mostRows) return { rows, lifelines, title };
  return { title, lifelines, rows: [...rows.slice(0, mostRows), { kind: "note", says: `${rows.length - mostRows} more rows are left out` }] };
}

/** By its first octets: pcap of either order and either clock, or pcapng. */
function isCapture(file: string): boolean {
  const octets = Buffer.alloc(4);
  const descriptor = openSync(file, "r");
  try {
    readSync(descriptor, octets);
  } finally {
    closeSync(descriptor);
  }
  return ["d4c3b2a1", "a1b2c3d4", "4d3cb2a1", "a1b23c4d", "0a0d0d0a"].includes(octets.toString("hex"));
}

function* traceLines(file: string): Generator<TraceLine> {
  let number = 0;
  for (const text of linesOf(file)) {
    number += 1;
    const line = parsed(text);
    if (line === undefined) throw new Error(`${file}:${number}: it is no line of a trace`);
    yield line;
  }
}

/** Only what is drawn is looked at. */
function parsed(text: string): TraceLine | undefined {
  try {
    const line = JSON.parse(text) as Partial<Record<keyof TraceLine, unknown>> | null;
    const isLine = typeof line?.at === "number" && [line.of, line.machine, line.instance].every((word) => typeof word === "string") && Array.isArray(line.effects) && isState(line.state);
    return isLine ? (line as unknown as TraceLine) : undefined;
  } catch {
    return undefined;
  }
}

const isState = (value: unknown): boolean => typeof value === "string" || (typeof value === "object" && value !== null && Object.values(value).every(isState));
