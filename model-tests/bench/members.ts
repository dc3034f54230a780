/**
 * Members who come and go: a group of 200 set up, then 10,000 joins with their departures, over SIP and MSRP, to one server process.
 *
 * RFC 3261 keeps a finished transaction for 32 s. So the heap is measured when these have passed, after a collection of garbage
 * that the server's inspector is asked for; resident memory is what the
 * operating system shows, V8's unused pages included.
 *
 *   node model-tests/bench/members.ts [joins]
 */
import { createServer } from "node:net";
import { once } from "node:events";
import { compileLoad, type Load, type Target } from "./msrpload.ts";
import { residentMegabytes, startServer } from "./server.ts";
import { printTable } from "./table.ts";

const joins = Number(process.argv[2] ?? 10_000);
/** 64*T1, and a second. */
const transactionsMs = 33_000;
const load = compileLoad();
if (load) await measure(load);

async function measure(load: Load): Promise<void> {
  const inspector = await freePort();
  const server = await startServer({ maxGroupSize: 200 }, { flags: [`--inspect=127.0.0.1:${inspector}`, "--inspect-publish-uid=http"] });
  try {
    const target = { server, sipPort: server.udp, factory: true };
    const { setup_s } = await load.room(target, 199, { msgs: 1 });
    const first = await rest(load, target, inspector, joins / 10);
    const last = await rest(load, target, inspector, joins - joins / 10);
    console.log("Aims: 200 members set up in under 2 s; memory flat over 10,000 joins.\n");
    const header = ["200 members set up, s", "joins/s, one after the other", "CPU µs a join and departure", "", `after ${joins / 10} joins`, `after ${joins}`];
    printTable(header, [
      [setup_s, last.joins_per_s, last.cpu_us_per_join, "heap, MB", first.heapMegabytes, last.heapMegabytes],
      ["", "", "", "resident, MB", first.restMegabytes, last.restMegabytes],
      ["", "", "", "resident at the last join, MB", first.rss_kB / 1024, last.rss_kB / 1024],
    ]);
  } finally {
    await server.stop();
  }
}

/** Joins, and what is left of them. */
async function rest(load: Load, target: Target, inspector: number, count: number) {
  const figures = await load.joins(target, 10, count);
  await new Promise((resolve) => setTimeout(resolve, transactionsMs));
  const heapMegabytes = (await heapOctets(inspector)) / 2 ** 20;
  return { ...figures, heapMegabytes, restMegabytes: residentMegabytes(target.server.pid) };
}

/** The octets that a process has in use, by its inspector. */
async function heapOctets(port: number): Promise<number> {
  const [page] = (await (await fetch(`http://127.0.0.1:${port}/json`)).json()) as [{ webSocketDebuggerUrl: string }];
  const socket = new WebSocket(page.webSocketDebuggerUrl);
  await once(socket, "open");
  const ask = async (id: number, method: string): Promise<{ result: { usedSize: number } }> => {
    socket.send(JSON.stringify({ id, method }));
    for (;;) {
      const [{ data }] = (await once(socket, "message")) as [{ data: string }];
      const answer = JSON.parse(data);
      if (answer.id === id) return answer;
    }
  };
  await ask(1, "HeapProfiler.collectGarbage");
  const { result } = await ask(2, "Runtime.getHeapUsage");
  socket.close();
  return result.usedSize;
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as { port: number };
  server.close();
  return port;
}
