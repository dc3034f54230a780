/**
 * Members who come and go: a group of 200 set up, then 10,000 joins with their departures, over SIP and MSRP, to one server process.
 *
 *   node model-tests/bench/members.ts [joins]
 */
import { compileLoad, type Load } from "./msrpload.ts";
import { startServer } from "./server.ts";
import { printTable } from "./table.ts";

const joins = Number(process.argv[2] ?? 10_000);
const load = compileLoad();
if (load) await measure(load);

async function measure(load: Load): Promise<void> {
  const server = await startServer({ maxGroupSize: 200 });
  try {
    const target = { server, sipPort: server.udp, factory: true };
    const { setup_s } = await load.room(target, 199, { msgs: 1 });
    const figures = await load.joins(target, 10, joins);
    console.log("Aims: 200 members set up in under 2 s; memory flat over 10,000 joins.\n");
    const header = ["200 members set up, s", "joins/s, one after the other", "CPU µs a join and departure", `resident MB after ${joins / 10} joins`, `after ${joins}`];
    printTable(header, [[setup_s, figures.joins_per_s, figures.cpu_us_per_join, figures.rss_kB_at_a_tenth / 1024, figures.rss_kB / 1024]]);
  } finally {
    await server.stop();
  }
}
