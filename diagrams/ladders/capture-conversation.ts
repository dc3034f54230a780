/**
 * A capture of SIP and MSRP as a conversation, dissected by tshark, which knows nothing of this project.
 *
 * Who is who is said by the messages: a device is called by the user that it registers or sends as, the focus by its Contact; a
 * connection belongs to who names itself in Via, an MSRP session to who offered its path.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { basename } from "node:path";
import { SaxesParser } from "saxes";
import type { Conversation, Row } from "./ladder.ts";

/** Dissected wherever they are: not by their ports alone. */
const heuristics = ["sip_udp", "sip_tcp", "msrp_tcp"];

export async function captureConversation(file: string): Promise<Conversation> {
  const tshark = spawn("tshark", ["-r", file, "-Y", "sip || msrp", ...heuristics.flatMap((name) => ["--enable-heuristic", name]), "-T", "pdml", "-J", "ip ipv6 tcp udp sip sdp msrp"], { stdio: ["ignore", "pipe", "pipe"] });
  const exited = once(tshark, "close");
  exited.catch(() => {});
  let complaint = "";
  tshark.stderr.on("data", (octets) => (complaint = `${complaint}${octets}`.slice(-1000)));
  const drawing = new Drawing();
  const parser = reading((packet) => drawing.take(packet));
  tshark.stdout.setEncoding("utf8");
  try {
    for await (const text of tshark.stdout) parser.write(text as string);
    const [code] = (await exited) as [number | null];
    if (code !== 0) throw new Error(`tshark cannot read ${file}: ${complaint.trim().split("\n").at(-1)}`);
    parser.close();
  } catch (fault) {
    tshark.kill();
    if ((fault as NodeJS.ErrnoException).code === "ENOENT") throw new Error("a capture is dissected by tshark, which is not installed here");
    throw fault;
  }
  return drawing.conversation(basename(file));
}

// ---------------------------------------------------------------- what tshark says

interface Message {
  readonly protocol: "sip" | "msrp";
  /** The first value of each field. */
  readonly fields: Map<string, string>;
  /** Lines of session descriptions. */
  readonly media: string[];
}

interface Packet {
  /** Seconds since the epoch. */
  at: number;
  readonly fields: Map<string, string>;
  readonly messages: Message[];
}

const dissected = new Set(["sip", "msrp"]);

function reading(take: (packet: Packet) => void): SaxesParser {
  const parser = new SaxesParser();
  let packet: Packet = { at: 0, fields: new Map(), messages: [] };
  parser.on("opentag", ({ name, attributes }) => {
    const { name: field = "", show = "", value = "" } = attributes as Record<string, string>;
    if (name === "packet") packet = { at: 0, fields: new Map(), messages: [] };
    else if (name === "proto" && dissected.has(field)) packet.messages.push({ protocol: field as Message["protocol"], fields: new Map(), media: [] });
    else if (field === "timestamp") packet.at = Number(value);
    else if (name === "field") {
      const message = packet.messages.at(-1);
      if (field === "sdp.media_attr") message?.media.push(show);
      const fields = message?.fields ?? packet.fields;
      if (!fields.has(field)) fields.set(field, show);
    }
  });
  parser.on("closetag", ({ name }) => {
    if (name === "packet") take(packet);
  });
  return parser;
}

// ---------------------------------------------------------------- the conversation

/** Chunks of one message are one row. */
interface Chunks {
  readonly row: number;
  readonly what: string;
  count: number;
}

class Drawing {
  readonly #rows: Extract<Row, { kind: "message" }>[] = [];
  /** The address that a connection's end is known by. */
  readonly #known = new Map<string, string>();
  readonly #names = new Map<string, string>();
  /** Who offered an MSRP path. */
  readonly #paths = new Map<string, string>();
  readonly #chunks = new Map<string, Chunks>();
  /** Transactions of chunks that have no row of their own. */
  readonly #within = new Set<string>();
  #began: number | undefined;

  take({ at, fields, messages }: Packet): void {
    this.#began ??= at;
    const host = (side: "src" | "dst") => fields.get(`ip.${side}`) ?? fields.get(`ipv6.${side}`) ?? "?";
    const port = (side: "src" | "dst") => fields.get(`tcp.${side}port`) ?? fields.get(`udp.${side}port`) ?? "?";
    const [from, to] = [`${host("src")}:${port("src")}`, `${host("dst")}:${port("dst")}`];
    for (const message of messages) {
      if (message.protocol === "sip") this.#sip(message, from, to, at);
      else this.#msrp(message, from, to, at);
    }
  }

  #sip({ fields, media }: Message, from: string, to: string, at: number): void {
    const request = fields.get("sip.Request-Line");
    const via = `${fields.get("sip.Via.sent-by.address") ?? "?"}:${fields.get("sip.Via.sent-by.port") ?? "5060"}`;
    // The end of a connection that a request comes from, and that its responses go to, is who names itself in Via.
    this.#known.set(request === undefined ? to : from, via);
    const speaker = this.#end(from);
    const contact = fields.get("sip.Contact") ?? "";
    if (contact.includes("isfocus")) this.#names.set(speaker, "the focus");
    else if (request !== undefined && !this.#names.has(speaker)) this.#names.set(speaker, fields.get("sip.from.user") ?? speaker);
    for (const attribute of media) {
      const [, path] = /^path:(.*)$/.exec(attribute) ?? [];
      if (path !== undefined) this.#paths.set(lastOf(path), speaker);
    }
    const says = request === undefined ? `${(fields.get("sip.Status-Line") ?? "").replace(/^SIP\/2\.0 /, "")} (${fields.get("sip.CSeq.method") ?? "?"})` : request.replace(/ SIP\/2\.0$/, "");
    const more = ["sip.Reason", "sip.Warning"].flatMap((name) => fields.get(name) ?? []);
    this.#say(from, to, [says, ...more].join(" · "), at);
  }

  #msrp({ fields }: Message, from: string, to: string, at: number): void {
    const [speaker, hearer] = [this.#paths.get(lastOf(fields.get("msrp.from.path") ?? "")) ?? from, this.#paths.get(lastOf(fields.get("msrp.to.path") ?? "")) ?? to];
    const transaction = `${fields.get("msrp.transaction.id") ?? "?"}`;
    const method = fields.get("msrp.method");
    if (method === undefined) {
      if (!this.#within.delete(`${hearer} ${speaker} ${transaction}`)) this.#say(speaker, hearer, `MSRP ${fields.get("msrp.status.code") ?? "?"}`, at);
      return;
    }
    const type = fields.get("msrp.content.type");
    const what = [method, ...(type === undefined ? [] : [type])].join(" ");
    const key = `${speaker} ${hearer} ${fields.get("msrp.messageid") ?? transaction}`;
    const before = method === "SEND" ? this.#chunks.get(key) : undefined;
    const end = fields.get("msrp.cnt.flg") === "+" ? ", goes on" : fields.get("msrp.cnt.flg") === "#" ? ", broken off" : "";
    if (before === undefined) {
      this.#chunks.set(key, { row: this.#rows.length, what, count: 1 });
      return this.#say(speaker, hearer, `${what} ${fields.get("msrp.byte.range") ?? ""}${end}`.trim(), at);
    }
    before.count += 1;
    this.#within.add(`${speaker} ${hearer} ${transaction}`);
    const row = this.#rows[before.row]!;
    this.#rows[before.row] = { ...row, says: `${row.says.split(" ")[0]} ${before.what} in ${before.count} chunks${end}` };
  }

  #say(from: string, to: string, says: string, at: number): void {
    this.#rows.push({ kind: "message", from, to, says: `+${(at - this.#began!).toFixed(3)} ${says}` });
  }

  #end = (address: string): string => this.#known.get(address) ?? address;

  /** What was learnt on the way is said of all. */
  conversation(title: string): Conversation {
    const rows = this.#rows.map((row) => ({ ...row, from: this.#end(row.from), to: this.#end(row.to) }));
    const met = [...new Set(rows.flatMap(({ from, to }) => [from, to]))];
    const focus = met.filter((id) => this.#names.get(id) === "the focus");
    const [first, ...others] = met.filter((id) => !focus.includes(id));
    const ids = [...(first === undefined ? [] : [first]), ...focus, ...others];
    return { title, lifelines: ids.map((id) => ({ id, says: this.#names.has(id) && this.#names.get(id) !== id ? `${this.#names.get(id)} ${id}` : id })), rows };
  }
}

/** The last URI of a path is who the session belongs to. */
const lastOf = (path: string): string => path.trim().split(/\s+/).at(-1)!.toLowerCase();
