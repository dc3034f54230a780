/** What a monitoring system scrapes, read from the server at that moment. */
import { readdir } from "node:fs/promises";
import { performance } from "node:perf_hooks";
import { Counter, Gauge, Registry } from "prom-client";
import type { MsrpEndpoint } from "../msrp/endpoint.ts";
import type { ControllingFunction } from "../sessions.ts";
import type { SipEndpoint } from "../sip/endpoint.ts";
import type { Spool } from "../store/spool.ts";
import type { Inspection } from "./inspection.ts";
import { countsOf, groupStates, seatStatuses, stateOf } from "./views.ts";

/** The server, as its operator sees it. */
export interface Server {
  readonly focus: ControllingFunction;
  readonly sip: SipEndpoint;
  readonly msrp: MsrpEndpoint;
  readonly spool: Spool;
}

/** One value, and the values of the labels that it stands under. */
type Sample = readonly [value: number, ...labels: string[]];

/** Groups that are counted before everybody else has a turn. */
const groupsATurn = 1_000;

/** The metrics of a server, those of its process among them. */
export function metricsOf({ focus, sip, msrp, spool }: Server, inspection: Inspection): Registry {
  const registry = new Registry();
  const declare = (kind: typeof Counter | typeof Gauge, of = "cpm") => (name: string, help: string, labelNames: readonly string[], read: () => Iterable<Sample> | Promise<Iterable<Sample>>) =>
    new kind({
      name: `${of}_${name}`,
      help,
      labelNames,
      registers: [registry],
      async collect() {
        const samples = await read();
        this.reset();
        for (const [value, ...labels] of samples) this.inc(Object.fromEntries(labelNames.map((label, at) => [label, labels[at] ?? ""])), value);
      },
    });
  const counter = declare(Counter);
  const gauge = declare(Gauge);
  const { counts, turns } = focus;

  // Both are read at once, this one first.
  let census: Promise<Census> | undefined;
  gauge("groups", "CPM Group Sessions that are here, by where they are in their lives.", ["state"], async () => (await (census = censusOf(focus))).groups);
  gauge("participants", "Seats of all groups, by what their users are to the group.", ["status"], async () => (await census)!.participants);
  counter("groups_created_total", "CPM Group Sessions that were created.", [], () => [[counts.groups]]);
  counter("messages_relayed_total", "Messages of group chats that were passed on.", [], () => [[counts.messages]]);
  counter("message_deliveries_total", "Messages of group chats times the dialogs that they were passed on to.", [], () => [[counts.deliveries]]);
  counter("message_delivered_bytes_total", "The bodies of those deliveries.", [], () => [[counts.deliveredOctets]]);
  gauge("file_transfers", "CPM File Transfers that run.", [], () => [[focus.transfers.size]]);
  counter("file_transfers_total", "CPM File Transfers that have ended, by how; refused: no recipient was invited.", ["result"], () => [...counts.transfersEnded].map(({ labels, count }): Sample => [count, labels.result]));

  counter("sip_requests_total", "SIP requests, retransmissions not counted.", ["direction", "method"], () => [...sip.messages.requests].map(({ labels, count }): Sample => [count, labels.direction, labels.method]));
  counter("sip_responses_total", "SIP responses, by the method of the request and the class of the status.", ["direction", "method", "class"], () =>
    [...sip.messages.responses].map(({ labels, count }): Sample => [count, labels.direction, labels.method, labels.class]),
  );
  counter("refusals_total", "Requests of peers that were refused, by status and, in SIP, by the Warning that went with it.", ["protocol", "status", "warning"], () => [
    ...[...sip.messages.refusals].map(({ labels, count }): Sample => [count, "sip", labels.status, labels.warning]),
    ...[...msrp.traffic.refusals].map(({ labels, count }): Sample => [count, "msrp", labels.status]),
  ]);
  counter("sip_retransmissions_received_total", "SIP requests that came again.", [], () => [[sip.transactionCounters.retransmissionsIn]]);
  gauge("sip_dialogs", "SIP dialogs.", [], () => [[sip.counters.dialogs]]);
  gauge("sip_subscriptions", "SIP subscriptions.", [], () => [[sip.counters.subscriptions]]);
  gauge("sip_transactions", "SIP transactions that are kept.", ["side"], () => [[sip.sizes.clientTransactions, "client"], [sip.sizes.serverTransactions, "server"]]);
  gauge("sip_connections", "TCP and TLS connections of SIP.", [], () => [[sip.sizes.connections]]);
  gauge("sip_registered_contacts", "Contacts that are registered.", [], () => [[sip.sizes.bindings]]);
  gauge("msrp_sessions", "MSRP sessions.", [], () => [[msrp.sessionCount]]);
  gauge("msrp_connections", "Connections of MSRP.", [], () => [[msrp.connectionCount]]);
  counter("msrp_bytes_total", "What went over the connections of MSRP.", ["direction"], () => [[msrp.traffic.octetsIn, "in"], [msrp.traffic.octetsOut, "out"]]);

  gauge("spool_files", "Spooled files in use.", [], () => [[spool.openFiles]]);
  gauge("spool_reserved_bytes", "What spooled files take of the disk, or may take.", [], () => [[spool.reservedOctets]]);
  counter("turns_total", "Turns: arrivals that were worked on until every machine rested.", [], () => [[turns.counts.turns]]);
  counter("machine_steps_total", "Steps that machines took.", ["machine"], () => Object.entries(turns.counts.steps).map(([machine, steps]): Sample => [steps, machine]));
  gauge("machine_timers", "Timers of machines that run.", [], () => [[turns.counts.timers]]);
  counter("machine_timers_expired_total", "Timers of machines that expired.", ["timer"], () => [...turns.counts.expired].map(({ labels, count }): Sample => [count, labels.timer]));
  counter("faults_total", "Faults of the server's own; each is in the log.", [], () => [[focus.faults]]);
  gauge("inspection_readers", "Who looks on at groups now.", [], () => [[inspection.size]]);
  // The library's own would observe every collection of garbage, scrape or no scrape, and walk through all connections at each.
  const ofProcess = { counter: declare(Counter, "process"), gauge: declare(Gauge, "process") };
  ofProcess.counter("cpu_seconds_total", "User and system CPU time.", [], () => [[(process.cpuUsage().user + process.cpuUsage().system) / 1e6]]);
  ofProcess.gauge("resident_memory_bytes", "Resident memory.", [], () => [[process.memoryUsage.rss()]]);
  ofProcess.gauge("start_time_seconds", "When the process began, in seconds since the epoch.", [], () => [[performance.timeOrigin / 1e3]]);
  ofProcess.gauge("open_fds", "Open file descriptors.", [], async () => [[(await readdir("/proc/self/fd").catch(() => [])).length]]);
  gauge("heap_used_bytes", "What lives in the heap of JavaScript, garbage included.", [], () => [[process.memoryUsage().heapUsed]]);
  counter("event_loop_active_seconds_total", "How long the event loop was busy; as busy as the clock, nothing is answered in time.", [], () => [[performance.eventLoopUtilization().active / 1e3]]);
  return registry;
}

interface Census {
  readonly groups: readonly Sample[];
  readonly participants: readonly Sample[];
}

/** Counts what groups and seats are, with breaks: groups may be many. */
async function censusOf({ groups }: ControllingFunction): Promise<Census> {
  const states = Object.fromEntries(groupStates.map((state) => [state, 0])) as Record<(typeof groupStates)[number], number>;
  const statuses = countsOf([]);
  let counted = 0;
  for (const group of groups) {
    states[stateOf(group)] += 1;
    for (const { status } of group.seats) statuses[status] += 1;
    if (++counted % groupsATurn === 0) await new Promise((resolve) => setImmediate(resolve));
  }
  return { groups: groupStates.map((state) => [states[state], state]), participants: seatStatuses.map((status) => [statuses[status], status]) };
}
