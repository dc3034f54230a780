/** Ladders: everything of a conversation is drawn, where it belongs, and what somebody else wrote is text and nothing else. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import fc from "fast-check";
import { SaxesParser } from "saxes";
import { afterAll, describe, expect, test } from "vitest";
import { conversationOf } from "../diagrams/ladders/conversation-files.ts";
import { flowConversation, walkConversation } from "../diagrams/ladders/conversations.ts";
import { eventsOf } from "../diagrams/review/machine-review.ts";
import { ladder, type Conversation, type Row } from "../diagrams/ladders/ladder.ts";
import { review } from "../diagrams/review/review.ts";
import { machines, type MachineName } from "../machines/index.ts";
import { start, step } from "../machines/step.ts";
import type { AnyMachineSnapshot, AnyStateMachine } from "xstate";
import { worlds } from "../machines/worlds.ts";

const directory = mkdtempSync(join(tmpdir(), "cpm-ladder-"));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

interface Drawn {
  readonly texts: readonly string[];
  readonly groups: readonly string[];
  readonly elements: ReadonlySet<string>;
  readonly width: number;
  /** Ends of arrows, from and to. */
  readonly arrows: readonly (readonly [number, number])[];
  readonly lifelines: readonly number[];
}

/** Read as a viewer reads it. */
function read(svg: string): Drawn {
  const texts: string[] = [];
  const groups: string[] = [];
  const elements = new Set<string>();
  const arrows: (readonly [number, number])[] = [];
  const lifelines: number[] = [];
  let width = 0;
  let inText = false;
  const parser = new SaxesParser();
  parser.on("error", (error) => {
    throw error;
  });
  parser.on("opentag", ({ name, attributes }) => {
    const { class: part = "", d = "", x1 = "" } = attributes as Record<string, string>;
    elements.add(name);
    if (name === "svg") width = Number((attributes as Record<string, string>)["width"]);
    if (name === "g") groups.push(part);
    if (name === "line") lifelines.push(Number(x1));
    if (name === "path" && part.split(" ")[0] === "arrow") {
      const [, from, to] = /^M(\S+) \S+?H(\S+?)(?:V.*)?$/.exec(d) ?? [];
      arrows.push([Number(from), Number(to)]);
    }
    inText = name === "text";
    if (inText) texts.push("");
  });
  parser.on("text", (text) => {
    if (inText) texts[texts.length - 1] += text;
  });
  parser.on("closetag", () => void (inText = false));
  parser.write(svg).close();
  return { texts, groups, elements, width, arrows, lifelines };
}

const joined = (texts: readonly string[]) => texts.join("").replaceAll(/\s/g, "");

describe("a drawing", () => {
  const conversation: Conversation = {
    title: "one of each",
    lifelines: [
      { id: "a", says: "Alice" },
      { id: "f", says: "the focus" },
      { id: "b", says: "Bob" },
    ],
    rows: [
      { kind: "message", from: "a", to: "f", says: "INVITE", clauses: ["RFC 3261 §13.2"], step: 0 },
      { kind: "message", from: "f", to: "b", says: "INVITE", dashed: true, clauses: ["decided beside RFC 4579 §5"], step: 0 },
      { kind: "message", from: "f", to: "f", says: "thinks about it" },
      { kind: "timer", at: "f", says: "ringMs starts" },
      { kind: "state", at: "f", says: "open.membership.active" },
      { kind: "note", says: "and that is all" },
    ],
  };

  test("has every row, its clauses, and arrows from whom to whom", () => {
    const { texts, groups, arrows, lifelines } = read(ladder(conversation));
    expect(groups.filter((part) => part !== "head")).toEqual(["message", "message", "message", "timer", "state", "note"]);
    for (const words of ["one of each", "Alice", "the focus", "Bob", "RFC 3261 §13.2", "decided beside RFC 4579 §5", "thinks about it", "ringMs starts", "open.membership.active", "and that is all"]) expect(joined(texts)).toContain(words.replaceAll(" ", ""));
    const [alice, focus, bob] = lifelines as [number, number, number];
    expect(alice < focus && focus < bob).toBe(true);
    expect(arrows[0]).toEqual([alice, focus - 2]);
    expect(arrows[1]).toEqual([focus, bob - 2]);
    expect(ladder(conversation)).toContain('data-step="0"');
    expect(ladder(conversation)).toContain('aria-label="Alice to the focus: INVITE (RFC 3261 §13.2)"');
    expect(ladder(conversation)).toContain('aria-label="the focus is now in open.membership.active"');
  });

  test("names the lifelines again on a long chart", () => {
    const heads = (rows: number) => read(ladder({ ...conversation, rows: Array.from({ length: rows }, (): Row => ({ kind: "message", from: "a", to: "b", says: "again" })) })).groups.filter((part) => part === "head").length;
    expect(heads(10)).toBe(3);
    expect(heads(100)).toBeGreaterThan(6);
  });

  test("long words wrap within the sheet, and none is lost", () => {
    const says = `${"x".repeat(400)} ${"word ".repeat(80).trim()}`;
    const kinds: readonly Row[] = [{ kind: "message", from: "a", to: "f", says }, { kind: "state", at: "a", says }, { kind: "note", says }, { kind: "timer", at: "b", says }];
    for (const row of kinds) {
      const { texts, width } = read(ladder({ ...conversation, rows: [row] }));
      expect(joined(texts), row.kind).toContain(says.replaceAll(" ", ""));
      expect(width, row.kind).toBeLessThan(1500);
    }
  });

  test("whatever is written in it is text: no element and no control character comes of it", () => {
    const known = new Set(["svg", "style", "rect", "text", "line", "path", "g", "circle"]);
    fc.assert(
      fc.property(fc.oneof(fc.string({ unit: "binary" }), fc.constantFrom("<script>alert(1)</script>", "]]>", '"><img src=x onerror=alert(1)>', "&lt;b&gt;", "\u0000\ud800")), (written) => {
        const { elements, texts } = read(ladder({ title: written, lifelines: [{ id: "a", says: written }, { id: "b", says: "b" }], rows: [{ kind: "message", from: "a", to: "b", says: written, clauses: [written] }, { kind: "note", says: written }] }));
        expect([...elements].filter((element) => !known.has(element))).toEqual([]);
        if (/^[\w<>()&;="' ]+$/.test(written) && written.trim() !== "") expect(joined(texts)).toContain(written.replaceAll(/\s/g, ""));
      }),
      { numRuns: 300 },
    );
  });
});

describe("a walk", () => {
  test("every tour of every machine is drawn: each event, each effect, and where it rests in the end", { timeout: 30_000 }, async () => {
    const { machines: reviewed } = await review();
    for (const { name, tours, inputs } of reviewed) {
      const machine: AnyStateMachine = machines[name as MachineName];
      // Enough to meet every event; the site draws the rest in the page.
      for (const tour of tours.filter((_, index) => index % 23 === 0)) {
        const events = eventsOf(name as MachineName, tour);
        const { rows, lifelines } = walkConversation({ machine: name as MachineName, title: tour.id, input: inputs[tour.input], events });
        let { snapshot } = start(machine, inputs[tour.input] as never);
        events.forEach((event, number) => {
          const done = step(machine, snapshot as AnyMachineSnapshot, event);
          snapshot = done.snapshot;
          const here = rows.filter((row) => row.step === number);
          const [first] = here;
          expect(first !== undefined && first.kind !== "note" && first.says.startsWith(event.type.startsWith("xstate.after.") ? event.type.split(".")[2]! : event.type), tour.id).toBe(true);
          for (const { type } of done.effects) expect(here.some((row) => row.says.startsWith(type)) || type === "invite" || type.startsWith("release") || type === "relay" || type === "inviteRecipients", `${tour.id} ${type}`).toBe(true);
          if (done.refusal !== undefined) expect(here.length).toBeGreaterThan(1);
        });
        const last = (snapshot as AnyMachineSnapshot)._nodes.filter(({ type }) => type === "atomic" || type === "final").map(({ path }) => path.join("."));
        const told = rows.flatMap((row) => (row.kind === "state" ? row.says.split(" · ") : []));
        for (const leaf of last) expect(told, tour.id).toContain(leaf);
        const known = new Set(lifelines.map(({ id }) => id));
        expect(rows.every((row) => row.kind === "note" || (row.kind === "message" ? known.has(row.from) && known.has(row.to) : known.has(row.at)))).toBe(true);
      }
    }
  });

  test("an eventless transition says its clauses too", () => {
    const { rows } = walkConversation({ machine: "group-session", title: "", input: worlds["group-session"].inputs[0], events: [{ type: "sip.INVITE.create", recipients: 1, anonymous: false }, { type: "participant.connected", seat: 1 }] });
    expect(rows.find(({ step: number }) => number === 1)).toMatchObject({ clauses: ["RFC 4575 §5.7.3", "RFC 4579 §5"] });
  });

  test("whoever gets no answer hears nothing, and a refusal is sent back", () => {
    const { rows } = walkConversation({ machine: "group-session", title: "", input: worlds["group-session"].inputs[0], events: [{ type: "sip.INVITE.join", from: "stranger", device: "new" }, { type: "participant.left", seat: 0 }] });
    const said = rows.filter(({ step: number }) => number === 0);
    expect(said[1]).toMatchObject({ kind: "message", from: "group-session", to: "a stranger", says: "SIP 404: refused in this state" });
    expect(rows.filter(({ step: number }) => number === 1)[1]).toMatchObject({ kind: "note" });
  });

  test("every flow is drawn, line by line", async () => {
    const { flows } = await review();
    expect(flows.some(({ kind }) => kind === "wire") && flows.some(({ kind }) => kind === "flow")).toBe(true);
    for (const flow of flows) {
      const { rows, lifelines } = flowConversation(flow);
      if (flow.kind === "wire") expect(rows.filter(({ step: number }) => number !== undefined).length).toBe(flow.lines.length);
      else expect(new Set(rows.map((row) => row.step)).size).toBeGreaterThanOrEqual(flow.events!.length);
      expect(lifelines.length, flow.id).toBeGreaterThan(0);
      read(ladder({ title: flow.title, lifelines, rows }));
    }
  });
});

describe("a trace", () => {
  const written = (name: string, lines: readonly unknown[]): string => {
    const file = join(directory, name);
    writeFileSync(file, lines.map((line) => (typeof line === "string" ? line : JSON.stringify(line))).join("\n"));
    return file;
  };
  const group = { of: "g", machine: "group-session", instance: "g" };
  const device = { of: "g", machine: "group-participant", instance: "0.ab" };

  test("devices and machines are lifelines; what peers and we say are messages; states are told when they change", async () => {
    const { rows, lifelines } = await conversationOf(
      written("trace.ndjson", [
        { at: 1000, ...group, input: {}, state: "new", effects: [] },
        { at: 1001, ...group, event: { type: "sip.INVITE.create", recipients: 1, anonymous: false }, state: { open: { membership: "creating" } }, effects: [{ type: "admit", seat: 0 }] },
        { at: 1002, ...device, input: {}, state: "new", effects: [] },
        { at: 1003, ...device, event: { type: "group.admit" }, state: { open: { dialog: "unconfirmed" } }, effects: [{ type: "sendSipResponse", method: "INVITE", status: 200 }] },
        { at: 1500, ...device, event: { type: "sip.ACK" }, state: { open: { dialog: "confirmed" } }, effects: [] },
        { at: 2000, ...group, event: { type: "msrp.SEND", from: 0, content: "chat", claims: "self", to: "group" }, state: { open: { membership: "creating" } }, effects: [], refusal: { protocol: "msrp", status: 481 } },
      ]),
    );
    expect(lifelines.map(({ says }) => says)).toEqual(["Participant 0", "group-session (g)"]);
    const [creator, focus] = lifelines.map(({ id }) => id) as [string, string];
    expect(rows).toEqual([
      { kind: "state", at: focus, says: "new" },
      { kind: "message", from: creator, to: focus, says: "+0.001 sip.INVITE.create recipients=1 anonymous=false" },
      { kind: "state", at: focus, says: "open.membership.creating" },
      { kind: "message", from: focus, to: creator, says: "sendSipResponse INVITE 200" },
      { kind: "state", at: creator, says: "open.dialog.unconfirmed" },
      { kind: "message", from: creator, to: focus, says: "+0.500 sip.ACK" },
      { kind: "state", at: creator, says: "open.dialog.confirmed" },
      { kind: "message", from: creator, to: focus, says: "+1.000 msrp.SEND content=chat claims=self to=group" },
      { kind: "message", from: focus, to: creator, says: "MSRP 481: refused in this state" },
    ]);
  });

  test("one group of many is drawn alone; too many together are refused", async () => {
    const many = written("many.ndjson", ["a1", "a2", "b", "c", "d"].map((of, at) => ({ at, of, machine: "group-session", instance: of, state: "new", effects: [] })));
    await expect(conversationOf(many)).rejects.toThrow("has 5 groups");
    expect((await conversationOf(many, "b")).lifelines.map(({ says }) => says)).toEqual(["group-session (b)"]);
    expect((await conversationOf(many, "a")).lifelines.length).toBe(2);
    await expect(conversationOf(many, "x")).rejects.toThrow("nothing to draw");
  });

  test("what is no trace is said, with its line", async () => {
    await expect(conversationOf(written("broken.ndjson", [{ at: 1, ...group, state: "new", effects: [] }, "{"]))).rejects.toThrow("broken.ndjson:2: it is no line of a trace");
    await expect(conversationOf(written("other.json", [{ some: "thing" }]))).rejects.toThrow("other.json:1");
    await expect(conversationOf(written("empty.ndjson", []))).rejects.toThrow("nothing to draw");
  });
});

// ---------------------------------------------------------------- a capture

const absent = ["tshark", "text2pcap"].find((program) => spawnSync(program, ["--version"]).error !== undefined);
if (absent !== undefined) console.log(`not run: a ladder of a capture needs tshark`);

describe.skipIf(absent !== undefined && process.env["CPM_TEST_ALL"] !== "1")("a capture", () => {
  const hosts = { "5070": "192.0.2.1", "5060": "192.0.2.2" } as const;

  interface Packet {
    readonly from: keyof typeof hosts;
    readonly to: keyof typeof hosts;
    readonly text: string;
  }

  /** A capture of datagrams, made by Wireshark's own tool from a dump of their octets. */
  function captured(name: string, packets: readonly Packet[]): string {
    const file = join(directory, name);
    const dump = packets.map(({ text }) => `0000 ${[...Buffer.from(text, "utf8")].map((octet) => octet.toString(16).padStart(2, "0")).join(" ")}\n`);
    packets.forEach(({ from, to }, index) => {
      writeFileSync(join(directory, "packet.txt"), dump[index]!);
      const made = spawnSync("text2pcap", ["-q", "-u", `${from},${to}`, "-4", `${hosts[from]},${hosts[to]}`, join(directory, "packet.txt"), join(directory, `packet-${String(index).padStart(3, "0")}.pcap`)]);
      expect(made.status).toBe(0);
    });
    const parts = packets.map((_, index) => join(directory, `packet-${String(index).padStart(3, "0")}.pcap`));
    expect(spawnSync("mergecap", ["-a", "-w", file, ...parts]).status).toBe(0);
    return file;
  }

  const sip = (first: string, from: string, contact: string, ...more: string[]) =>
    [first, "Via: SIP/2.0/UDP 192.0.2.1:5070;branch=z9hG4bK1", `From: <sip:${from}@example.com>;tag=1`, "To: <sip:bob@example.com>", "Call-ID: one", "CSeq: 1 INVITE", `Contact: ${contact}`, ...more, "Content-Length: 0", "", ""].join("\r\n");

  test("says who spoke to whom, by the names in it, and shows markup as text", { timeout: 20_000 }, async () => {
    const file = captured("sip.pcapng", [
      { from: "5070", to: "5060", text: sip("INVITE sip:group@example.com SIP/2.0", "alice", "<sip:alice@192.0.2.1:5070>", "Subject: <b>") },
      { from: "5060", to: "5070", text: sip("SIP/2.0 403 Forbidden", "alice", "<sip:group@192.0.2.2>;isfocus", 'Warning: 399 cf "122 Function not allowed"') },
    ]);
    const { rows, lifelines } = await conversationOf(file);
    expect(rows.map((row) => row.says.replace(/^\+\S+ /, ""))).toEqual(["INVITE sip:group@example.com", '403 Forbidden (INVITE) · 399 cf "122 Function not allowed"']);
    expect(lifelines.map(({ says }) => says.split(" ").slice(0, -1).join(" "))).toEqual(["alice", "the focus"]);
  });

  test("through the command: an SVG with its font on standard output", { timeout: 20_000 }, () => {
    const file = captured("again.pcapng", [{ from: "5070", to: "5060", text: sip("INVITE sip:group@example.com SIP/2.0", "alice", "<sip:alice@192.0.2.1:5070>") }]);
    const ran = spawnSync(process.execPath, ["diagrams/print.ts", "--ladder", file], { cwd: fileURLToPath(new URL("../", import.meta.url)), encoding: "utf8" });
    expect(ran.stderr).toBe("");
    expect(ran.status).toBe(0);
    expect(joined(read(ran.stdout).texts)).toContain("INVITEsip:group@example.com");
    expect(ran.stdout).toContain("@font-face");
  });
});
