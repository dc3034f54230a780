/**
 * Group chat through the real server process: one sender, N receivers, 200-octet bodies in CPIM.
 *
 * Beside it, in the same run, the limit: the fastest plain Node fan-out of the same octets that we can write, which looks for
 * the ends of frames and checks nothing. The two take turns.
 *
 *   node model-tests/bench/messages.ts [seconds a run, about]
 */
import { fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { compileLoad, type Load, type RoomFigures, type Target } from "./msrpload.ts";
import { startServer, stop } from "./server.ts";
import { printTable, ratio } from "./table.ts";

const seconds = Number(process.argv[2] ?? 1.5);
const load = compileLoad();
if (load) await measure(load);

interface Figures {
  readonly full: RoomFigures;
  readonly paced: RoomFigures;
}

async function measure(load: Load): Promise<void> {
  const rows = [];
  for (const receivers of [2, 10, 50, 199]) {
    const limit = await ofLimit(load, receivers);
    const ours = await ofServer(load, receivers);
    rows.push([receivers, "server", ...cells(ours), ratio(ours.full.deliveries_per_cpu_s, limit.full.deliveries_per_cpu_s)]);
    rows.push(["", "limit", ...cells(limit), ""]);
  }
  console.log("Aims: 200,000 deliveries per CPU-second at N = 10 and 250,000 at N = 50; p99 under 3 ms; 200 members in under 2 s.\n");
  printTable(["receivers", "", "deliveries per CPU-second", "deliveries/s", "p99 ms, 8 messages under way", "p99 ms at 100 messages/s", "set up, s", "resident MB", "of the limit, per CPU-second"], rows);
}

function cells({ full, paced }: Figures): number[] {
  return [full.deliveries_per_cpu_s, full.deliveries_per_s, full.p99_ms, paced.p99_ms, full.setup_s, Math.round(full.server_rss_kB / 1024)];
}

async function ofServer(load: Load, receivers: number): Promise<Figures> {
  const server = await startServer({ maxGroupSize: 200 });
  try {
    return await figures(load, { server, sipPort: server.udp, factory: true }, receivers);
  } finally {
    await server.stop();
  }
}

async function ofLimit(load: Load, receivers: number): Promise<Figures> {
  const child = fork(fileURLToPath(new URL("msrp-fanout.ts", import.meta.url)), ["limit"], { detached: true });
  try {
    const [sipPort] = (await once(child, "message")) as [number];
    return await figures(load, { server: { pid: child.pid!, stop: () => stop(child) }, sipPort, factory: false }, receivers);
  } finally {
    await stop(child);
  }
}

/** At full speed, and then with an open loop of 100 messages a second. */
async function figures(load: Load, target: Target, receivers: number): Promise<Figures> {
  const messages = Math.ceil((seconds * 200_000) / (receivers + 8));
  const full = await load.room(target, receivers, { msgs: messages, warmup: messages, window: 8 });
  const paced = await load.room(target, receivers, { msgs: Math.ceil(seconds * 150), warmup: 50, rate: 100 });
  return { full, paced };
}
