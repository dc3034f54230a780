/**
 * An independent client: SIPp, which knows nothing of this project, plays the
 * scenarios of `model-tests/sipp`. SIPp speaks no MSRP; its sessions stay unbound.
 */
import { spawn, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, expect, test } from "vitest";
import { focus, type Scene } from "./scene.ts";
import { listening } from "./stranger.ts";

const installed = spawnSync("sipp", ["-v"]).error === undefined;
/** SIPp writes its notes into the directory that it runs in. */
const directory = mkdtempSync(join(tmpdir(), "cpm-sipp-"));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

type Transport = "udp" | "tcp";

/** Plays a scenario once, or `calls` times; answers what SIPp said when a call failed, else nothing. */
function play(scene: Scene, scenario: string, transport: Transport, keys: Record<string, string>, more: string[] = []): Promise<string> {
  const file = fileURLToPath(new URL(`../sipp/${scenario}.xml`, import.meta.url));
  const child = spawn("sipp", [
    `127.0.0.1:${scene.focus.address[transport]}`, "-sf", file, "-i", "127.0.0.1", "-t", transport === "udp" ? "u1" : "t1",
    "-m", "1", "-nostdin", "-timeout", "12s", "-timeout_error", "-trace_err", "-error_file", join(directory, "errors.log"),
    ...Object.entries(keys).flatMap(([key, value]) => ["-key", key, value]), ...more,
  ], { cwd: directory });
  const said: Buffer[] = [];
  child.stdout.on("data", (octets: Buffer) => said.push(octets));
  child.stderr.on("data", (octets: Buffer) => said.push(octets));
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("exit", (code) => resolve(code === 0 ? "" : `sipp ${scenario} ended with ${code}:\n${Buffer.concat(said).toString().slice(-3_000)}`));
  });
}

async function freePort(): Promise<number> {
  const listener = await listening("127.0.0.1");
  const { port } = listener.address() as AddressInfo;
  await new Promise((resolve) => listener.close(resolve));
  return port;
}

if (!installed) {
  test("SIPp is there", (context) => {
    console.log("not run: sipp needs sip-tester");
    if (process.env["CPM_TEST_ALL"] === "1") throw new Error("sipp is missing");
    context.skip();
  });
} else {
  focus("SIPp and a focus that does not support group file transfer", { policies: { groupFileTransfer: "notSupported" } }, (conversation) => {
    for (const transport of ["udp", "tcp"] as const) {
      const named = transport.toUpperCase();

      conversation(`over ${named}: SIPp creates a group, another SIPp is invited into it, and it ends with Gone`, async (scene) => {
        const [user, member] = [scene.aor("alice"), scene.aor("bob")];
        const port = await freePort();
        const contact = `sip:bob@127.0.0.1:${port}${transport === "tcp" ? ";transport=tcp" : ""}`;
        expect(await play(scene, "register", transport, { user: member, contact })).toBe("");
        const invited = play(scene, "invitee", transport, {}, ["-p", String(port)]);
        expect(await play(scene, "create-group", transport, { user, member })).toBe("");
        expect(await invited).toBe("");
      });

      conversation(`over ${named}: SIPp joins a group from three devices of a member`, async (scene) => {
        const { group, bob } = await scene.trio();
        expect(await play(scene, "join", transport, { user: bob.aor, group: group.identity }, ["-m", "3", "-r", "3"])).toBe("");
      });

      conversation(`over ${named}: SIPp's file is refused with 403 and "122 Function not allowed"; nobody is invited`, async (scene) => {
        const { group, alice, bob, carol } = await scene.trio();
        expect(await play(scene, "file-transfer-refused", transport, { user: alice.aor, group: group.identity }, ["-m", "5", "-r", "20"])).toBe("");
        for (const person of [bob, carol]) await person.sip.hearsNothing("INVITE ", 100);
      });
    }
  });
}
