/**
 * `npm run conformance` as anybody runs it: a process, sockets, exit codes and the files that it leaves.
 *
 * Our own server passes; with a fault planted in it, it does not, and the report names the clause; what is no Controlling
 * Function gets a clear report in bounded time.
 */
import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { createServer as createTcp, type AddressInfo, type Server, type Socket } from "node:net";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { SaxesParser } from "saxes";
import { afterAll, describe, expect, test } from "vitest";
import { ServerProcess } from "../runtime/client/server-process.ts";
import { defaults } from "../machines/policies.ts";
import { linesOf } from "./conformance/octets.ts";
import { readOptions, UsageRefused, type Options } from "./conformance/options.ts";
import { parsePics, picsTemplate } from "./conformance/pics.ts";

const factory = "sip:conference-factory@cpm.example";
const program = fileURLToPath(new URL("conformance/run.ts", import.meta.url));
const planted = fileURLToPath(new URL("conformance/planted-server.ts", import.meta.url));

const directory = mkdtempSync(join(tmpdir(), "cpm-conformance-test-"));
afterAll(() => rmSync(directory, { recursive: true, force: true }));
let files = 0;
const path = (): string => join(directory, String((files += 1)));

interface Run {
  readonly code: number | null;
  readonly out: string;
  readonly errors: string;
  readonly ms: number;
  readonly junit: () => Junit;
  readonly page: () => string;
  readonly text: () => string;
}

/** Runs it to its end; a run that does not end is killed, and has no exit code. */
async function conformance(args: readonly string[], mostMs = 60_000): Promise<Run> {
  const report = path();
  const begun = performance.now();
  const child = spawn(process.execPath, [program, "--report", report, ...args], { stdio: ["ignore", "pipe", "pipe"] });
  const [out, errors] = [child.stdout, child.stderr].map((stream) => {
    const said: Buffer[] = [];
    stream.on("data", (octets: Buffer) => said.push(octets));
    return () => Buffer.concat(said).toString();
  }) as [() => string, () => string];
  const kill = setTimeout(() => child.kill("SIGKILL"), mostMs);
  const code = await new Promise<number | null>((resolve) => child.once("close", (status) => resolve(status)));
  clearTimeout(kill);
  const read = (file: string) => readFileSync(join(report, file), "utf8");
  return { code, out: out(), errors: errors(), ms: performance.now() - begun, junit: () => junitIn(read("junit.xml")), page: () => read("index.html"), text: () => read("report.txt") };
}

const lastLine = ({ out }: Run): string => out.trimEnd().split("\n").at(-1)!;

interface Junit {
  readonly counts: Readonly<Record<string, number>>;
  readonly cases: readonly { readonly name: string; readonly verdict: string; readonly text: string }[];
}

/** Reads JUnit XML with a parser that is not forgiving. */
function junitIn(xml: string): Junit {
  const parser = new SaxesParser();
  const cases: { name: string; verdict: string; text: string }[] = [];
  let counts: Record<string, number> = {};
  parser.on("error", (fault) => {
    throw fault;
  });
  parser.on("opentag", ({ name, attributes }) => {
    if (name === "testsuite") counts = Object.fromEntries(["tests", "failures", "errors", "skipped"].map((count) => [count, Number(attributes[count])]));
    if (name === "testcase") cases.push({ name: attributes["name"]!, verdict: "pass", text: "" });
    if (name === "failure" || name === "error") Object.assign(cases.at(-1)!, { verdict: name, text: `${attributes["message"]}\n` });
  });
  parser.on("text", (text) => {
    if (cases.at(-1)?.verdict !== "pass" && cases.length > 0) cases.at(-1)!.text += text;
  });
  parser.write(xml).close();
  return { counts, cases };
}

/** What the last line, the exit code and the JUnit file say is one. */
function expectConsistent(run: Run): Junit {
  const junit = run.junit();
  const [, passed, failed, inconclusive] = /^(\d+) passed, (\d+) failed, (\d+) inconclusive$/.exec(lastLine(run)) ?? [];
  const of = (verdict: string) => junit.cases.filter((one) => one.verdict === verdict).length;
  expect([Number(passed), Number(failed), Number(inconclusive)], run.out).toEqual([of("pass"), of("failure"), of("error")]);
  expect(junit.counts).toEqual({ tests: junit.cases.length, failures: of("failure"), errors: of("error"), skipped: 0 });
  expect(run.code).toBe(of("failure") > 0 ? 1 : of("error") > 0 ? 3 : 0);
  return junit;
}

// ---------------------------------------------------------------- what is said of a server

describe("the statement of a server (PICS)", () => {
  test("an empty one, and the proforma as it is printed, say the specification's defaults", () => {
    expect(parsePics(picsTemplate())).toEqual(parsePics(""));
    expect(parsePics("").policies).toEqual(defaults);
    expect(picsTemplate().split("\n").filter((line) => line !== "" && !line.startsWith("#")).length).toBeGreaterThan(Object.keys(defaults).length);
  });

  test("what is said counts, with comments and blanks and CRLF", () => {
    const { has, policies, unknown } = parsePics("# theirs\r\n\r\n  groupFileTransfer : notSupported # yet\r\naddByRefer:no\r\nringMs: 2000\r\nmaxDevices: 2\r\n");
    expect([policies.groupFileTransfer, policies.maxDevices, policies.ringMs, policies.wrappedTypes]).toEqual(["notSupported", 2, 2000, defaults.wrappedTypes]);
    expect([has.has("addByRefer"), has.has("removeByRefer"), unknown.has("ringMs"), unknown.has("bindMs")]).toEqual([false, true, false, true]);
  });

  test.each([
    ["addByRefers: yes", 'line 1: there is no item "addByRefers"'],
    ["\ngroup-file-transfer: supported", 'line 2: there is no item "group-file-transfer"; groupFileTransfer is meant?'],
    ["toString: yes", 'line 1: there is no item "toString"'],
    ["addByRefer: maybe", 'line 1: addByRefer cannot be "maybe": yes or no'],
    ["wrappedTypes: sometimes", 'line 1: wrappedTypes cannot be "sometimes": acceptTypes, exclude, sendAnyway, sendUnwrapped, rejectAll'],
    ["maxGroupSize: 1", 'line 1: maxGroupSize cannot be "1": a whole number of Participants, 2 or more'],
    ["maxGroupSize: unknown", 'line 1: maxGroupSize cannot be "unknown": a whole number of Participants, 2 or more'],
    ["ringMs: soon", 'line 1: ringMs cannot be "soon": a whole number of ms, 1 or more, or unknown'],
    ["longLived: yes\nlongLived: no", "line 2: longLived is said twice"],
    ["hello", 'line 1: "hello" is not of the form "item: value"'],
  ])("%j is refused, and the line and the item are named", (text, message) => {
    expect(() => parsePics(text)).toThrow(message);
  });
});

test("octets of a peer become lines that do nothing", () => {
  expect(linesOf(Buffer.from("SIP/2.0 200 \x1b[31m\u202ered\r\nbare\nGrüße\r\n\r\n\0"))).toEqual(["SIP/2.0 200 \\x1b[31m\\u202ered", "bare\\x0a", "Grüße", "", "\\x00"]);
  expect(linesOf(Buffer.from([0x41, 0xff, 0x0d, 0x0a]))).toEqual(["A\\xff"]);
  expect(linesOf(Buffer.alloc(5000, "a"), 10)).toEqual(["a".repeat(10), "… 4990 octets more"]);
});

// ---------------------------------------------------------------- the command

const freePort = async (): Promise<number> => {
  const listener = createTcp();
  await new Promise<void>((resolve) => void listener.listen(0, "127.0.0.1", resolve));
  const { port } = listener.address() as AddressInfo;
  await new Promise((resolve) => listener.close(resolve));
  return port;
};

describe("the command line", () => {
  test.each([
    ["nothing", [], "--target URI is needed"],
    ["no factory", ["--target", "sip:127.0.0.1"], "--factory URI is needed"],
    ["a target that is no URI", ["--target", "127.0.0.1:5060", "--factory", factory], '--target: "127.0.0.1:5060" is no'],
    ["a transport that is not played", ["--target", "sip:127.0.0.1;transport=sctp", "--factory", factory], '--target: transport "sctp"'],
    ["a factory that is no URI", ["--target", "sip:127.0.0.1", "--factory", "conference"], '--factory: "conference" is no'],
    ["no tours at a time", ["--target", "own", "--parallel", "0"], '--parallel: "0" is not a whole number from 1 to 256'],
    ["a statement that is not there", ["--target", "own", "--pics", join(directory, "nothing.pics")], "nothing.pics cannot be read: ENOENT"],
    ["somebody else's timers", ["--target", "sip:127.0.0.1", "--factory", factory, "--advance", "controlled"], "--advance controlled: only"],
    ["a clock that does not exist", ["--target", "own", "--advance", "fast"], '--advance: "fast" is none of none, controlled'],
    ["an option that does not exist", ["--target", "own", "--fast"], "Unknown option '--fast'"],
  ])("%s: refused, and the option is named", (_, args, message) => {
    expect(() => readOptions(args)).toThrow(UsageRefused);
    expect(() => readOptions(args)).toThrow(message);
  });

  test("a target is a host, a port and a transport; without a port 5060, without a transport UDP", () => {
    const addressOf = (target: string) => (readOptions(["--target", target, "--factory", factory]) as { readonly run: Options }).run.address;
    expect(addressOf("sip:192.0.2.7:5070;transport=TCP")).toEqual({ host: "192.0.2.7", port: 5070, transport: "tcp" });
    expect(addressOf("sip:[2001:db8::7]")).toEqual({ host: "2001:db8::7", port: 5060, transport: "udp" });
    expect(addressOf("own")).toBeUndefined();
  });

  test.concurrent("what is refused is one line and exit code 2; a statement with a fault: the file, the line and the item", async () => {
    const pics = path();
    writeFileSync(pics, "groupFileTransfer: perhaps\n");
    const { code, out, errors } = await conformance(["--target", "own", "--pics", pics]);
    expect([code, out, errors]).toEqual([2, "", `conformance: --pics: ${pics}: line 1: groupFileTransfer cannot be "perhaps": supported, notSupported\n`]);
  });

  test.concurrent("no tour of that name, and a report that cannot be written", async () => {
    const unnamed = await conformance(["--target", "own", "--steps", "0", "--list", "--only", "elsewhere,*nowhere"]);
    expect([unnamed.code, unnamed.errors]).toEqual([2, 'conformance: --only: no tour has "elsewhere" or "*nowhere"; --list shows them all\n']);
    const unwritten = await conformance(["--target", "own", "--report", "/dev/null/report"]);
    expect([unwritten.code, unwritten.errors]).toEqual([2, "conformance: --report: /dev/null/report cannot be written: ENOTDIR\n"]);
  });

  test.concurrent("a tour by its name is that one alone; a word is any that has it", async () => {
    const idsWith = async (only: string) => (await conformance(["--target", "own", "--steps", "0", "--list", "--only", only])).out.match(/^basic\S+/gm);
    expect(await idsWith("basic/open/file")).toEqual(["basic/open/file"]);
    expect(await idsWith("OFFER*cancelled,open/no-list")).toEqual(["basic/open/no-list", "basic/open/file-withdrawn", "basic/closed/file-withdrawn"]);
  });

  test.concurrent.each(["udp", "tcp"])("a target where nobody listens, over %s: exit code 2, in no time", async (transport) => {
    const port = await freePort();
    const { code, errors, ms } = await conformance(["--target", `sip:127.0.0.1:${port};transport=${transport}`, "--factory", factory]);
    expect([code, errors]).toEqual([2, `conformance: --target: nobody is reached at ${transport} 127.0.0.1:${port}: ECONNREFUSED\n`]);
    expect(ms).toBeLessThan(15_000);
  });

  test.concurrent("the proforma is printed, and what a server lacks is left out", async () => {
    expect((await conformance(["--pics-template"])).out).toBe(picsTemplate());
    const pics = path();
    writeFileSync(pics, "addByRefer: no\nclosedGroups: no\nringMs: 2000\nbindMs: 3600000\n");
    const { code, out } = await conformance(["--target", "own", "--steps", "0", "--list", "--pics", pics]);
    expect(code).toBe(0);
    expect(out).toContain("left out: what needs addByRefer\nleft out: what needs closedGroups\n");
    expect(out).toContain("left out: timers longer than --longest-wait 10000: bindMs\n");
    expect(out).toMatch(/timers whose length is not told: (?!.*ringMs)/);
    expect(out).toMatch(/^basic\/open\/remove /m);
    expect(out).not.toMatch(/^basic\/(closed|open\/add)/m);
  });
});

// ---------------------------------------------------------------- what is no Controlling Function

/** A TCP server on a port of its own that does `answer` with every connection; stopped when the test ends. */
async function impostor(answer: (socket: Socket) => void, during: (target: string) => Promise<void>): Promise<void> {
  const sockets = new Set<Socket>();
  const server: Server = createTcp((socket) => {
    sockets.add(socket.on("error", () => {}));
    answer(socket);
  });
  await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
  try {
    await during(`sip:127.0.0.1:${(server.address() as AddressInfo).port};transport=tcp`);
  } finally {
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  }
}

const hostile = 'SIP/2.0 403 <script>alert("1")</script><img src=x onerror=alert(1)>]]>&amp;\u202e\x1b[31m';
const hostileWarning = 'Warning: 399 x "</pre></details><style>*{display:none}</style><iframe src=//evil.example>"';

/** Says the same to every request, whatever it is; what a response repeats is repeated. */
function refusing(socket: Socket): void {
  let rest = "";
  socket.on("data", (octets: Buffer) => {
    rest += octets.toString("latin1");
    for (let end = rest.indexOf("\r\n\r\n"); end >= 0; end = rest.indexOf("\r\n\r\n")) {
      const [start = "", ...lines] = rest.slice(0, end).split("\r\n");
      const length = Number(/^(?:content-length|l)\s*:\s*(\d+)/im.exec(lines.join("\n"))?.[1] ?? 0);
      rest = rest.slice(end + 4 + length);
      const repeated = lines.filter((line) => /^(via|from|to|call-id|cseq)\s*:/i.test(line)).map((line) => (/^to\s*:(?!.*;tag=)/i.test(line) ? `${line};tag=<b>` : line));
      if (!start.startsWith("ACK ")) socket.write(Buffer.from([start.startsWith("REGISTER ") ? "SIP/2.0 200 OK" : hostile, ...repeated, hostileWarning, "Content-Length: 0", "", ""].join("\r\n"), "utf8"));
    }
  });
}

const brief = ["--factory", factory, "--steps", "0", "--only", "basic/open", "--quiescence", "100", "--parallel", "12", "--give-up", "12", "--deadline", "40"];

/** Elements and attributes that can do nothing, and links within the page. */
function expectInert(page: string): void {
  const parser = new SaxesParser();
  const elements = new Set<string>();
  const attributes = new Set<string>();
  const links = new Set<string>();
  parser.on("error", (fault) => {
    throw fault;
  });
  parser.on("opentag", (tag) => {
    elements.add(tag.name);
    for (const [name, value] of Object.entries(tag.attributes)) (name === "href" ? links : attributes).add(name === "href" ? value : name);
  });
  parser.write(page).close();
  const inert = "html head meta title style body header main section article h1 h2 h3 h4 h5 p dl div dt dd a b i small span table thead tbody tr th td details summary ul ol li pre figure figcaption";
  expect([...elements].filter((name) => !inert.split(" ").includes(name))).toEqual([]);
  expect([...attributes].filter((name) => !["lang", "charset", "http-equiv", "content", "name", "class", "id", "style", "role", "aria-label"].includes(name))).toEqual([]);
  expect([...links].filter((link) => !link.startsWith("#"))).toEqual([]);
}

/** No server passes that is none; the run ends, and the page says what happened. */
function expectRefuted(run: Run): string {
  const { counts } = expectConsistent(run);
  expect(counts["tests"]).toBeGreaterThan(0);
  expect(counts["tests"]! - counts["failures"]! - counts["errors"]!, "tours that pass").toBe(0);
  expect(run.text().trimEnd().split("\n").at(-1)).toBe(lastLine(run));
  const page = run.page();
  expectInert(page);
  return page;
}

describe("what is no Controlling Function gets a clear report, in bounded time", () => {
  test.concurrent("a server that takes connections and says nothing", { timeout: 70_000 }, async () => {
    await impostor((socket) => void socket.resume(), async (target) => {
      expectRefuted(await conformance(["--target", target, ...brief]));
    });
  });

  test.concurrent("and with much patience: the deadline of the whole run ends it", { timeout: 70_000 }, async () => {
    await impostor((socket) => void socket.resume(), async (target) => {
      const run = await conformance(["--target", target, "--factory", factory, "--steps", "0", "--parallel", "1", "--give-up", "0", "--deadline", "7"]);
      expectRefuted(run);
      expect(run.code).toBe(3);
      expect(run.out).toContain("stopped early: the deadline of 7 s has passed\n");
      expect(run.junit().cases.filter(({ text }) => text.includes("the REGISTER of alice was not answered"))).toHaveLength(1);
      expect(run.text()).toMatch(/\d+ tours not played to the end, the first basic\/open\/[\w-]+: not played to its end: the deadline of 7 s has passed/);
    });
  });

  test.concurrent("a server that closes every connection", { timeout: 70_000 }, async () => {
    await impostor((socket) => void socket.destroy(), async (target) => {
      expectRefuted(await conformance(["--target", target, ...brief]));
    });
  });

  test.concurrent("a server that answers rubbish", { timeout: 70_000 }, async () => {
    await impostor((socket) => socket.on("data", () => socket.write(Buffer.from("\0\xff<html>\r\n\r\nHTTP/1.1 200 OK\r\n\r\n", "latin1"))), async (target) => {
      expectRefuted(await conformance(["--target", target, ...brief]));
    });
  });

  test.concurrent("a server whose answers hold markup: the page shows it, and is not moved by it", { timeout: 70_000 }, async () => {
    await impostor(refusing, async (target) => {
      const run = await conformance(["--target", target, ...brief]);
      const page = expectRefuted(run);
      expect(run.code).toBe(1);
      expect(page).toContain("&#60;script&#62;alert(&#34;1&#34;)&#60;/script&#62;");
      expect(page).not.toMatch(/[\u202e\x1b]/);
      expect(run.text()).not.toMatch(/[\u202e\x1b]/);
      expect(run.out).not.toMatch(/[\u202e\x1b]/);
    });
  });
});

// ---------------------------------------------------------------- our own server, sound and with faults

/** What the servers of these tests run with: limits that tours reach. */
const statement = { maxGroupSize: 4, maxDevices: 1, maxTransfers: 1, maxFileOctets: 4096 } as const;

/** Starts `serve`, with those policies, and plays against it what the same statement asks for. */
async function against(serve: readonly string[] | undefined, policies: Readonly<Record<string, string | number>>, args: readonly string[]): Promise<Run> {
  const data = path();
  const told = { ...statement, ...policies };
  const server = await ServerProcess.start(
    ["--listen", "tcp:127.0.0.1:0", "--msrp", "tcp:127.0.0.1:0", "--admin", "none", "--factory", factory, "--data", data, ...Object.entries(told).flatMap(([name, value]) => ["--policy", `${name}=${value}`])],
    serve,
  );
  try {
    const pics = path();
    writeFileSync(pics, Object.entries(told).map(([name, value]) => `${name}: ${value}\n`).join(""));
    const { host, port } = server.address("sip", "tcp");
    return await conformance(["--target", `sip:${host}:${port};transport=tcp`, "--factory", factory, "--pics", pics, "--quiescence", "50", "--parallel", "8", ...args]);
  } finally {
    // Tours that failed have left dialogs, whose ends nobody would answer.
    await server.stop(200);
  }
}

test.concurrent("our own server passes every tour, its timers on command: exit code 0", { timeout: 90_000 }, async () => {
  const run = await conformance(["--target", "own", "--advance", "controlled", "--steps", "100", "--quiescence", "50", "--parallel", "12"]);
  expect([run.code, expectConsistent(run).cases.filter(({ verdict }) => verdict !== "pass")]).toEqual([0, []]);
});

/** The tours that can show the faults, and a few others. */
const enough = ["--steps", "0", "--only", "basic/open/talk,basic/open/file*,basic/open/no-list,basic/open/watch"];

/** Each with the clause of the step that shows it, and what the report says of it. */
const faults: readonly (readonly [name: string, policies: Readonly<Record<string, string>>, clause: string, says: RegExp])[] = [
  ["dropWarning", { groupFileTransfer: "notSupported" }, "CPM-CR §9.3.1", /there is no Warning "122 Function not allowed"/],
  ["forgetLeg", {}, "RFC 7701 §6.1", /did not come within \d+ ms: the message for \w+/],
  ["forwardToSender", {}, "RFC 7701 §6.1", /nobody expected \w+ gets SEND/],
  ["noBye", {}, "RFC 3261 §15.1.1", /did not come within \d+ ms: BYE/],
  ["wrongContributionId", {}, "RFC 4579 §5.2", /Contribution-ID is [0-9a-f]+ instead of [0-9a-f]+/],
  ["wrongFileRange", {}, "CPM-CR §9.3.1", /a=file-range is 2-/],
];

describe("a fault that is planted in our server is found, and the step that shows it names the clause", () => {
  test.concurrent("without a fault, every one of these tours passes", { timeout: 90_000 }, async () => {
    const run = await against(undefined, {}, enough);
    expect([run.code, expectConsistent(run).cases.filter(({ verdict }) => verdict !== "pass")]).toEqual([0, []]);
  });

  test.concurrent.each(faults)("%s", { timeout: 90_000 }, async (name, policies, clause, says) => {
    const run = await against([planted, "--plant", name, "--"], policies, enough);
    const { cases } = expectConsistent(run);
    expect(run.code).toBe(1);
    const failed = cases.filter(({ verdict }) => verdict === "failure");
    expect(failed.filter(({ text }) => !says.test(text)).map(({ text }) => text), "something else").toEqual([]);
    expect(failed.some(({ text }) => text.includes(clause)), failed.map(({ text }) => text).join("\n")).toBe(true);
    expect(cases.filter(({ verdict }) => verdict === "pass").length, "tours that do not touch it").toBeGreaterThan(0);
    expect(run.page(), "what was expected, in octets").toContain("Octets, from the specification");
  });
});

// ---------------------------------------------------------------- somebody else's program

const sippIsThere = spawnSync("sipp", ["-v"]).error === undefined;

describe("SIPp pretends to be a focus, and answers everything with 200", () => {
  if (!sippIsThere) {
    test("SIPp is there", (context) => {
      console.log("not run: sipp needs sip-tester");
      if (process.env["CPM_TEST_ALL"] === "1") throw new Error("sipp is missing");
      context.skip();
    });
    return;
  }
  const scenario = fileURLToPath(new URL("sipp/answers-everything-200.xml", import.meta.url));

  test.concurrent.each(["udp", "tcp"])("over %s: the run fails within a minute, and says what did not come", { timeout: 80_000 }, async (transport) => {
    const port = await freePort();
    const sipp: ChildProcess = spawn("sipp", ["-sf", scenario, "-i", "127.0.0.1", "-p", String(port), "-t", transport === "udp" ? "u1" : "t1", "-nostdin"], { cwd: directory, stdio: "ignore" });
    const ended = new Promise((resolve) => sipp.once("exit", resolve));
    try {
      await sleep(1_000);
      const run = await conformance(["--target", `sip:127.0.0.1:${port};transport=${transport}`, ...brief]);
      expectRefuted(run);
      expect(run.code).toBe(1);
      expect(run.ms).toBeLessThan(60_000);
      const failed = run.junit().cases.filter(({ verdict }) => verdict === "failure");
      expect(failed.some(({ text }) => /did not come within \d+ ms: INVITE of session/.test(text) && text.includes("RFC 4579 §5.2"))).toBe(true);
    } finally {
      sipp.kill("SIGKILL");
      await ended;
    }
  });
});
