/**
 * What the operator's interface costs, and how the server answers while somebody looks on.
 *
 * First: group chat at full speed, one sender and 10 receivers, through a server with the interface, at which nobody looks, and one
 * without; they take turns. Then: 5,000 live groups, each of two who are connected, and a group that
 * is busy beside them; nobody looks, or somebody reads the steps of the busy group and the pages and metrics of all, every second.
 * Last: the live page itself, in Chromium, before those 5,000.
 *
 *   node model-tests/bench/inspection.ts [pairs] [groups]
 */
import { fork } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { CpmClient } from "../../runtime/client/client.ts";
import { hasChromium, startBrowser } from "../browser.ts";
import { compileLoad, type Load, type RoomFigures } from "./msrpload.ts";
import { residentMegabytes, startServer, stop, type Server } from "./server.ts";
import { printTable } from "./table.ts";

const factory = "sip:conference-factory@cpm.example";
const loopback = ["--admin", "127.0.0.1:0"];

if (process.argv[2] === "crowd") await crowd(Number(process.argv[3]), Number(process.argv[4]));
else {
  const pairs = Number(process.argv[2] ?? 15);
  const groups = Number(process.argv[3] ?? 5_000);
  const load = compileLoad();
  if (load && pairs > 0) await cost(load, pairs);
  if (load && groups > 0) await responsiveness(load, groups);
}

// ---------------------------------------------------------------- what it costs

/** Deliveries per CPU-second, one figure a round: without the interface, with it, and without it once more, which shows what chance does. */
type Rounds = readonly [without: number[], with_: number[], twin: number[]];

async function cost(load: Load, pairs: number): Promise<void> {
  const all: Rounds = [[], [], []];
  const shares: { readonly with_: number; readonly twin: number }[] = [];
  for (let pair = 0; pair < pairs; pair++) {
    const rounds = await turns(load, pair % 2 === 0);
    rounds.forEach((figures, kind) => all[kind]!.push(...figures));
    const [without, with_, twin] = rounds;
    // Rounds of one turn stand side by side in time: what else the machine did meanwhile is in both.
    shares.push({ with_: median(with_.map((one, at) => one / without[at]!)), twin: median(twin.map((one, at) => one / without[at]!)) });
  }
  // Whoever else works on the machine only slows: the best rounds are the undisturbed ones.
  const best = (figures: readonly number[]): number => quantile(figures, 0.9) / quantile(all[0], 0.9);
  // Where the median would lie had the pairs been others of the same kind: 95 % of 2,000 draws.
  const sure = (values: readonly number[]): string => {
    const drawn = Array.from({ length: 2_000 }, () => median(values.map(() => values[Math.floor(Math.random() * values.length)]!)));
    return `${quantile(drawn, 0.025).toFixed(3)} … ${quantile(drawn, 0.975).toFixed(3)}`;
  };
  const row = (name: string, values: readonly number[], figures: readonly number[]): string[] => [name, median(values).toFixed(3), sure(values), best(figures).toFixed(3)];
  console.log("Aim: with the interface and nobody looking, less than 3 % below. The last row is the same server twice: what chance does.\n");
  printTable(["deliveries per CPU-second, as a share of those with --admin none", `median of ${pairs} pairs`, "95 % sure between", "of the best tenth of the rounds"], [
    row("--admin, nobody looks", shares.map(({ with_ }) => with_), all[1]),
    row("--admin none, once more", shares.map(({ twin }) => twin), all[2]),
  ]);
}

/** New processes every time: two of one program differ by some percent for as long as they live. */
async function turns(load: Load, forwards: boolean): Promise<Rounds> {
  const kinds = [[], loopback, []];
  const order = forwards ? [0, 1, 2] : [2, 1, 0];
  const servers: Server[] = [];
  for (const kind of order) servers[kind] = await startServer({}, { more: kinds[kind]! });
  const rounds: Rounds = [[], [], []];
  const warmup = 500;
  try {
    // Many short rounds: whatever else the machine does meets all three alike.
    for (let round = -1; round < 8; round++)
      for (const kind of round % 2 === 0 ? order : order.toReversed()) {
        const { pid, udp } = servers[kind]!;
        const messages = round < 0 ? 8_000 : 2_500;
        const before = cpuNanoseconds(pid);
        await load.room({ server: servers[kind]!, sipPort: udp, factory: true }, 10, { msgs: messages, warmup, window: 8 });
        // The first round warms up.
        if (round >= 0) rounds[kind]!.push(((messages + warmup) * 10 * 1e9) / (cpuNanoseconds(pid) - before));
      }
  } finally {
    await Promise.all(servers.map((server) => server.stop()));
  }
  return rounds;
}

/** What all threads of a process have used of the processors; finer than the hundredths that the load generator reads. */
function cpuNanoseconds(pid: number): number {
  return readdirSync(`/proc/${pid}/task`).reduce((sum, task) => sum + Number(readFileSync(`/proc/${pid}/task/${task}/schedstat`, "latin1").split(" ", 1)[0]), 0);
}

function quantile(values: readonly number[], q: number): number {
  return values.toSorted((a, b) => a - b)[Math.round(q * (values.length - 1))] ?? Number.NaN;
}

function median(values: readonly number[]): number {
  return quantile(values, 0.5);
}

// ---------------------------------------------------------------- how it answers

interface Looking {
  /** Every second: a page of the list, one group, the metrics. */
  readonly milliseconds: Record<"list" | "group" | "metrics", number[]>;
  events: number;
  dropped: number;
}

async function responsiveness(load: Load, groups: number): Promise<void> {
  const server = await startServer({ maxMessageOctets: 65_536, inactivityMs: 3_600_000 }, { more: loopback });
  const members = fork(fileURLToPath(import.meta.url), ["crowd", String(server.tcp), String(groups)], { detached: true });
  try {
    await Promise.race([once(members, "message"), once(members, "exit").then(() => Promise.reject(new Error("the crowd did not come together")))]);
    const at = `http://127.0.0.1:${server.admin}`;
    const { total } = (await (await fetch(`${at}/api/groups?limit=1`)).json()) as { total: number };
    const rows = [];
    for (const looks of [false, true, false, true]) {
      const { room, health, looking } = await busyRoom(load, server, at, looks);
      rows.push([
        looks ? "one looks" : "nobody looks", total, room.p99_ms, median(health), quantile(health, 0.99), Math.max(...health),
        ...(looks ? [median(looking.milliseconds.list), median(looking.milliseconds.group), median(looking.milliseconds.metrics), looking.events, looking.dropped] : ["", "", "", "", ""]),
        Math.round(residentMegabytes(server.pid)),
      ]);
    }
    console.log(`\nAim: with 5,000 live groups and one who looks, p99 of /healthz under 20 ms.\n`);
    printTable(["", "live groups", "p99 ms of messages at 500/s, 10 receivers", "/healthz ms, median", "p99", "worst", "a page of 100 groups, ms", "one group, ms", "/metrics, ms", "events read", "dropped", "resident MB"], rows);
    await throughput(load, server, at);
    await page(at, total);
  } finally {
    await stop(members);
    await server.stop();
  }
}

/** The busy group at full speed: what it costs that somebody looks at it, and how much such a reader gets. */
async function throughput(load: Load, server: Server, at: string): Promise<void> {
  const figures = { perCpu: [[], []] as [number[], number[]], perSecond: [[], []] as [number[], number[]], events: [] as number[], dropped: [] as number[] };
  for (let round = 0; round < 6; round++)
    for (const looks of round % 2 === 0 ? [false, true] : [true, false]) {
      const { last } = await lastGroup(at, 0);
      const over = new AbortController();
      const looking: Looking = { milliseconds: { list: [], group: [], metrics: [] }, events: 0, dropped: 0 };
      const before = cpuNanoseconds(server.pid);
      const running = load.room({ server, sipPort: server.udp, factory: true }, 10, { msgs: 15_000, warmup: 500, window: 8 });
      const reading = looks ? followAsPage(at, last, looking, over.signal) : undefined;
      const began = performance.now();
      const room = await running;
      const seconds = (performance.now() - began) / 1_000;
      figures.perCpu[Number(looks)]!.push((15_500 * 10 * 1e9) / (cpuNanoseconds(server.pid) - before));
      figures.perSecond[Number(looks)]!.push(room.deliveries_per_s);
      over.abort();
      await reading;
      if (looks) figures.events.push(looking.events / seconds);
      if (looks) figures.dropped.push(looking.dropped);
    }
  console.log("\nThat group at full speed, 8 messages under way; and somebody looks at it with the live page; medians of 6 rounds by turns.\n");
  printTable(["", "deliveries per CPU-second", "deliveries/s", "events a second that the reader gets", "dropped"], [
    ["nobody looks", median(figures.perCpu[0]), median(figures.perSecond[0]), "", ""],
    ["one looks", median(figures.perCpu[1]), median(figures.perSecond[1]), median(figures.events), median(figures.dropped)],
  ]);
}

/** Asks for what the live page asks for while it shows that group. */
async function followAsPage(at: string, after: number, looking: Looking, over: AbortSignal): Promise<void> {
  const newest = async () => (await (await fetch(`${at}/api/groups?order=newest&limit=50`)).json()) as { readonly groups: readonly { readonly id: string; readonly number: number }[] };
  const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
  let found: { readonly id: string } | undefined;
  for (; found === undefined && !over.aborted; await pause(20)) found = (await newest()).groups.find(({ number }) => number > after);
  const reading = readSteps(`${at}/api/inspect?group=${found?.id}`, looking, over);
  for (let second = 0; !over.aborted; second++) {
    await timed(`${at}/api/groups/${found?.id}?machines=no`);
    if (second % 2 === 0) await newest();
    await pause(1_000);
  }
  await reading;
}

/** How long the live page takes to show what is asked of it; nothing where there is no Chromium. */
async function page(at: string, groups: number): Promise<void> {
  if (!hasChromium("the live page")) return;
  const browser = await startBrowser();
  try {
    const { page } = await browser.open();
    const times: Record<"list" | "search" | "group" | "older", number[]> = { list: [], search: [], group: [], older: [] };
    const took = async (name: keyof typeof times, act: () => Promise<unknown>): Promise<void> => {
      const began = performance.now();
      await act();
      times[name].push(performance.now() - began);
    };
    for (let round = 1; round <= 7; round++) {
      await page.goto("about:blank");
      await took("list", async () => {
        await page.goto(`${at}/live`);
        await page.locator(".rows li").nth(49).waitFor();
      });
      await took("older", async () => {
        await page.getByRole("button", { name: "Older" }).click();
        await page.locator(".count", { hasText: "51 to 100" }).waitFor();
      });
      // The oldest: the search looks at all of them.
      await took("search", async () => {
        await page.getByRole("searchbox").fill(`Group ${round}`);
        await page.locator(".count", { hasText: "that match" }).waitFor();
      });
      await took("group", async () => {
        await page.locator(".rows a").last().click();
        await page.locator(".machine .window [data-state].active").first().waitFor();
      });
    }
    console.log(`\nThe live page before ${groups} groups, in Chromium; medians of 7.\n`);
    printTable(["page opened, first 50 groups, ms", "the next 50, ms", "a search through all, ms, 250 of them wait for the next letter", "one group opened, its statechart lit, ms"], [[median(times.list), median(times.older), median(times.search), median(times.group)]]);
  } finally {
    await browser.stop();
  }
}

/** A busy group, and how quickly the server answers meanwhile. */
async function busyRoom(load: Load, server: Server, at: string, looks: boolean): Promise<{ room: RoomFigures; health: number[]; looking: Looking }> {
  const { last } = await lastGroup(at, 0);
  const running = load.room({ server, sipPort: server.udp, factory: true }, 10, { msgs: 4_000, warmup: 100, rate: 500 });
  const over = new AbortController();
  const looking: Looking = { milliseconds: { list: [], group: [], metrics: [] }, events: 0, dropped: 0 };
  const health: number[] = [];
  const tasks = [probe(at, health, over.signal)];
  if (looks) tasks.push(lookOn(at, last, looking, over.signal));
  const room = await running;
  over.abort();
  await Promise.all(tasks);
  return { room, health, looking };
}

/** The newest group, found by its number. */
async function lastGroup(at: string, after: number): Promise<{ last: number; id: string | undefined }> {
  let last = after;
  let id: string | undefined;
  for (let next: number | null = after; next !== null; ) {
    const page = (await (await fetch(`${at}/api/groups?limit=1000&after=${next}`)).json()) as { groups: readonly { id: string; number: number }[]; next: number | null };
    const newest = page.groups.at(-1);
    if (newest) ({ number: last, id } = newest);
    next = page.next;
  }
  return { last, id };
}

async function probe(at: string, health: number[], over: AbortSignal): Promise<void> {
  while (!over.aborted) {
    health.push(await timed(`${at}/healthz`));
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

async function timed(url: string): Promise<number> {
  const began = performance.now();
  await (await fetch(url)).text();
  return performance.now() - began;
}

async function lookOn(at: string, after: number, looking: Looking, over: AbortSignal): Promise<void> {
  let id: string | undefined;
  while (id === undefined && !over.aborted) ({ id } = await lastGroup(at, after));
  const reading = readSteps(`${at}/api/inspect?group=${id}`, looking, over);
  while (!over.aborted) {
    looking.milliseconds.list.push(await timed(`${at}/api/groups`));
    looking.milliseconds.group.push(await timed(`${at}/api/groups/${id}`));
    looking.milliseconds.metrics.push(await timed(`${at}/metrics`));
    await new Promise((resolve) => setTimeout(resolve, 1_000));
  }
  await reading;
}

async function readSteps(url: string, looking: Looking, over: AbortSignal): Promise<void> {
  try {
    const answer = await fetch(url, { signal: over });
    for await (const text of answer.body!.pipeThrough(new TextDecoderStream())) {
      looking.events += text.match(/^event: (?:step|timers)/gm)?.length ?? 0;
      for (const [, seen] of text.matchAll(/^event: dropped\ndata: \{"seen":(\d+)/gm)) looking.dropped += Number(seen);
    }
  } catch (fault) {
    if (!over.aborted) throw fault;
  }
}

// ---------------------------------------------------------------- the crowd, a process of its own

/** One who creates so many groups, each with one who accepts; both stay. */
async function crowd(port: number, groups: number): Promise<void> {
  const start = (user: string): Promise<CpmClient> => CpmClient.start({ uri: `sip:${user}@cpm.example`, server: { transport: "tcp", host: "127.0.0.1", port }, onInvitation: (invitation) => invitation.accept() });
  const [alice, bob] = await Promise.all([start("crowd-alice"), start("crowd-bob")]);
  await Promise.all([alice.register(), bob.register()]);
  let begun = 0;
  const create = async (): Promise<void> => {
    while (begun++ < groups) await (await alice.createGroup(factory, { subject: `Group ${begun}`, recipients: [bob.uri] })).leg.bound.within(60_000);
  };
  await Promise.all(Array.from({ length: 20 }, create));
  process.send!("together");
  await new Promise(() => setInterval(() => {}, 60_000));
}
