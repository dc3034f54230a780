import { execFileSync } from "node:child_process";
import { mkdtemp, readdir, readFile, rm, stat, statfs, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { systemClock, type Clock, type Timer } from "../runtime/clock.ts";
import { systemRandom } from "../runtime/random.ts";
import { Spool, SpoolFailed, type SpoolOptions } from "../runtime/store/spool.ts";

let directory: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "spool-"));
});
afterEach(() => rm(directory, { recursive: true, force: true }));

function openSpool(options: Partial<SpoolOptions> = {}): Promise<Spool> {
  return Spool.open({
    directory,
    clock: systemClock,
    random: systemRandom,
    maxOctets: 1_000_000,
    maxOpenFiles: 4,
    minFreeOctets: 0,
    ...options,
  });
}

/** A clock that stands at one wall time and fires when told. */
function standingClock(wallMs: number) {
  const waiting: { readonly ms: number; readonly fire: () => void }[] = [];
  const clock: Clock = {
    now: () => 0,
    wall: () => wallMs,
    after: (ms, fire): Timer => {
      waiting.push({ ms, fire });
      return { stop: () => {} };
    },
  };
  return { clock, waiting };
}

const failure = (fault: string) => expect.objectContaining({ name: "SpoolFailed", fault });

describe("a spooled file", () => {
  test("gives back at any offset what was appended in any pieces", async () => {
    const spool = await openSpool();
    const file = await spool.create(100);
    await file.append([Buffer.from("Hel"), Buffer.alloc(0), Buffer.from("lo, ")]);
    await file.append([]);
    await file.append([Buffer.from("Bob")]);
    await file.sync();

    const whole = Buffer.alloc(100);
    expect(await file.read(whole, 0)).toBe(10);
    expect(whole.toString("latin1", 0, 10)).toBe("Hello, Bob");
    const part = Buffer.alloc(3);
    expect(await file.read(part, 4)).toBe(3);
    expect(part.toString()).toBe("o, ");
    expect(await file.read(part, 10)).toBe(0);
    await file.close();
  });

  test("is readable by nobody else, under a name that is ours", async () => {
    const file = await (await openSpool()).create(10);
    expect((await stat(file.path)).mode & 0o777).toBe(0o600);
    expect((await readdir(directory))[0]).toMatch(/^[0-9a-f]{32}\.part$/);
    await file.close();
  });

  test("leaves nothing behind, however often it is closed", async () => {
    const spool = await openSpool();
    const file = await spool.create(10);
    await file.append([Buffer.from("octets")]);
    await Promise.all([file.close(), file.close()]);
    expect(await readdir(directory)).toEqual([]);
    expect([spool.openFiles, spool.reservedOctets]).toEqual([0, 0]);
    await expect(file.append([Buffer.from("late")])).rejects.toEqual(failure("io"));
  });

  test("takes no more than was reserved for it", async () => {
    const file = await (await openSpool()).create(5);
    await file.append([Buffer.from("12345")]);
    await expect(file.append([Buffer.from("6")])).rejects.toEqual(failure("quota"));
    await file.close();
  });
});

describe("the quota", () => {
  test("may take more once there is room for more, and gives all of it back", async () => {
    const spool = await openSpool({ maxOctets: 100 });
    const file = await spool.create(10);
    file.reserve(60);
    file.reserve(20);
    expect(spool.reservedOctets).toBe(60);
    await file.append([Buffer.alloc(60)]);
    expect(() => file.reserve(101)).toThrow(failure("quota"));
    await file.close();
    expect([spool.openFiles, spool.reservedOctets]).toEqual([0, 0]);
    spool.close();
  });

  test("is reserved when the file is created and given back when it is closed", async () => {
    const spool = await openSpool({ maxOctets: 100 });
    const file = await spool.create(60);
    await expect(spool.create(41)).rejects.toEqual(failure("quota"));
    await file.close();
    await (await spool.create(100)).close();
  });

  test("bounds the files in use", async () => {
    const spool = await openSpool({ maxOpenFiles: 1 });
    const file = await spool.create(1);
    await expect(spool.create(1)).rejects.toEqual(failure("quota"));
    await file.close();
    await (await spool.create(1)).close();
  });

  test("leaves the disk its reserve", async () => {
    const { bavail, bsize } = await statfs(directory);
    const spool = await openSpool({ minFreeOctets: 2 * bavail * bsize });
    await expect(spool.create(1)).rejects.toEqual(failure("diskFull"));
    expect([spool.openFiles, spool.reservedOctets]).toEqual([0, 0]);
  });
});

describe("a kept file", () => {
  test("outlives its use and a restart, and is counted, until it expires", async () => {
    const atWriting = standingClock(1_000);
    const file = await (await openSpool({ clock: atWriting.clock })).create(100);
    await file.append([Buffer.from("resumable")]);
    await file.keep(5_000);
    await file.close();
    const [name] = await readdir(directory);
    expect(name).toMatch(/^[0-9a-f]{32}\.5000$/);
    expect(await readFile(join(directory, name!), "latin1")).toBe("resumable");

    const later = standingClock(4_000);
    const restarted = await openSpool({ clock: later.clock });
    expect(restarted.reservedOctets).toBe(9);
    expect(later.waiting.map(({ ms }) => ms)).toEqual([1_000]);
    later.waiting[0]!.fire();
    expect(restarted.reservedOctets).toBe(0);
    await expect.poll(() => readdir(directory)).toEqual([]);
  });

  test("charges what it holds, not what was reserved", async () => {
    const spool = await openSpool({ clock: standingClock(0).clock });
    const file = await spool.create(100);
    await file.append([Buffer.from("four")]);
    await file.keep(1);
    await file.close();
    expect([spool.openFiles, spool.reservedOctets]).toEqual([0, 4]);
  });
});

describe("at the start", () => {
  test("orphans and expired files are removed, and nothing that is not ours", async () => {
    const id = "0123456789abcdef0123456789abcdef";
    for (const name of [`${id}.part`, `${id}.999`, `${id}.5000`, "README", `${id}.partly`]) await writeFile(join(directory, name), "x");
    await openSpool({ clock: standingClock(1_000).clock });
    expect((await readdir(directory)).sort()).toEqual([`${id}.5000`, `${id}.partly`, "README"]);
  });

  test("the folder is made", async () => {
    const spool = await openSpool({ directory: join(directory, "data", "spool") });
    await (await spool.create(1)).close();
    expect((await stat(join(directory, "data", "spool"))).mode & 0o777).toBe(0o700);
  });

  test("a folder that cannot be made is a failure of the spool", async () => {
    await writeFile(join(directory, "file"), "");
    await expect(openSpool({ directory: join(directory, "file", "spool") })).rejects.toBeInstanceOf(SpoolFailed);
  });
});

describe("a full disk", () => {
  test("is a failure of the file, at creation or in the middle", async (context) => {
    const full = mountSmallDisk(directory);
    if (!full) return context.skip("not run: a file system of 1 MB cannot be mounted here");
    try {
      const spool = await openSpool({ maxOctets: 1e9 });
      await expect(spool.create(2e6)).rejects.toEqual(failure("diskFull"));
      const file = await spool.create(900_000);
      await writeFile(join(directory, "somebody-else"), Buffer.alloc(800_000));
      await expect(file.append([Buffer.alloc(300_000), Buffer.alloc(300_000)])).rejects.toEqual(failure("diskFull"));
      await file.close();
      expect(await readdir(directory)).toEqual(["somebody-else"]);
    } finally {
      execFileSync("umount", [directory]);
    }
  });
});

/** A real file system of 1 MB; it needs root and Linux. */
function mountSmallDisk(at: string): boolean {
  try {
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=1m", "tmpfs", at], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}
