/** The demo as a stranger starts it, and a capture of it judged by programs that know nothing of this project. */
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, describe, expect, test } from "vitest";

const directory = mkdtempSync(join(tmpdir(), "cpm-demo-test-"));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const path = (relative: string): string => fileURLToPath(new URL(relative, import.meta.url));

interface Ran {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

async function run(command: string, args: readonly string[]): Promise<Ran> {
  const child = spawn(command, args, { stdio: ["ignore", "pipe", "pipe"], timeout: 30_000 });
  const said = { stdout: "", stderr: "" };
  child.stdout.on("data", (octets) => (said.stdout += octets));
  child.stderr.on("data", (octets) => (said.stderr += octets));
  const [code] = (await once(child, "close")) as [number | null];
  return { code, ...said };
}

const demo = (...args: string[]): Promise<Ran> => run(process.execPath, [path("../runtime/client/demo.ts"), ...args]);

describe("the demo", () => {
  test("sees everything that it expects on the wire, and keeps the trace", async () => {
    const trace = join(directory, "trace.ndjson");
    const { code, stdout, stderr } = await demo("--keep-trace", trace);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(stdout).toContain("INVITE group file photo.jpg");
    expect(stdout).toContain('403 Forbidden "122 Function not allowed" (INVITE)');
    expect(stdout).toMatch(/(\d{2,}) expectations were met, 0 were not/);
    const lines = readFileSync(trace, "utf8").trimEnd().split("\n");
    expect(lines.length).toBeGreaterThan(50);
    for (const line of lines) JSON.parse(line);
  });

  test("says what keeps it from running, and fails", async () => {
    const occupied = createServer().listen(0, "127.0.0.1");
    await once(occupied, "listening");
    const { code, stderr } = await demo("--quiet", "--msrp-port", String((occupied.address() as AddressInfo).port));
    expect(code).toBe(1);
    expect(stderr).toContain("the port is in use");
    occupied.close();
  });
});

// ------------------------------------------------------------------ a capture

/** What is missing for the capture to be made and judged, as the package that has it. */
function missing(): string | undefined {
  for (const program of ["tshark", "dumpcap"]) if (spawnSync(program, ["--version"]).error) return "tshark";
  const found = spawnSync("python3", ["-B", "-c", "import belle"], { cwd: path("wirecheck") });
  return found.status === 0 ? undefined : "libbellesip1";
}

const absent = missing();
if (absent !== undefined) console.log(`not run: wirecheck needs ${absent}`);

/** Six ports in a row below those that the kernel gives out: the server's SIP port, the clients' four, and the MSRP port. */
const firstPort = 20_000 + (process.pid % 2_000) * 6;
const sipPorts = [0, 1, 2, 3, 4].map((at) => firstPort + at);
const msrpPort = firstPort + 5;

/** What wirecheck says of a capture. */
const judge = (capture: string): Promise<Ran> =>
  run("python3", ["-B", path("wirecheck/wirecheck.py"), capture, "--sip-ports", sipPorts.join(","), "--msrp-ports", String(msrpPort)]);

const pause = (ms: number): Promise<void> => new Promise((over) => setTimeout(over, ms));

/** Runs the demo on ports that are captured. */
async function capture(file: string): Promise<void> {
  const dumpcap = spawn("dumpcap", ["-q", "-B", "64", "-i", "lo", "-f", `portrange ${firstPort}-${msrpPort}`, "-a", "duration:25", "-w", file], { stdio: ["ignore", "ignore", "pipe"] });
  // It names its file when it listens.
  await once(dumpcap.stderr, "data");
  await pause(300);
  const { code, stderr } = await demo("--quiet", "--sip-port", String(firstPort), "--msrp-port", String(msrpPort));
  // The last packets are handed over a little later.
  await pause(1000);
  dumpcap.kill("SIGINT");
  await once(dumpcap, "close");
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
}

/** Captures the demo and judges it; once more where the kernel dropped packets from the capture. */
async function judged(file: string, attempts = 3): Promise<Ran> {
  await capture(file);
  const judgement = await judge(file);
  return judgement.code === 2 && attempts > 1 ? judged(file, attempts - 1) : judgement;
}

/** Faults of the same length, one in each layer, and what has to be said of them. */
const planted: readonly (readonly [right: string, wrong: string, said: string])[] = [
  ["Max-Forwards: 70", "Mox-Forwards: 70", "Max-Forwards is missing or broken"],
  ["CSeq: 1 INVITE", "CSeq: x INVITE", "CSeq is missing or broken"],
  ["\r\no=- ", "\r\nq=- ", "a session description without o="],
  ["</resource-lists>", "</resource-lysts>", "XML that is not well-formed"],
  ["Byte-Range: 1-", "Byte-Range: 2-", ": Byte-Range 2-"],
  ["DateTime: 2", "DateTime: x", "no RFC 3339 time: DateTime: x"],
  ["NS: imdn <", "NS: omdn <", "whose namespace is not declared: imdn."],
  ["<isComposing", "<isComposinh", "XML that is not well-formed: mismatched tag"],
];

describe.skipIf(absent !== undefined && process.env["CPM_TEST_ALL"] !== "1")("a capture of the demo", () => {
  test("has nothing that Wireshark, libbellesip or wirecheck object to, and they do object to faults", { timeout: 60_000 }, async () => {
    expect(absent).toBeUndefined();
    const file = join(directory, "demo.pcapng");
    const { code, stdout, stderr } = await judged(file);
    expect({ code, stdout, stderr }).toMatchObject({ code: 0, stdout: expect.stringMatching(/^0 findings in .* SIP messages, .* MSRP frames, .* MSRP messages\n$/) });

    const octets = readFileSync(file);
    for (const [right, wrong] of planted) {
      const at = octets.indexOf(right);
      if (at < 0) throw new Error(`the capture has no ${right}`);
      octets.write(wrong, at, "latin1");
    }
    const broken = join(directory, "broken.pcapng");
    writeFileSync(broken, octets);
    const objections = await judge(broken);
    expect(objections.code).toBe(1);
    for (const [, , said] of planted) expect(objections.stdout).toContain(said);
  });
});
