import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { describe, expect, test } from "vitest";
import { ClientMachine, type ClientLayer, type ClientUser } from "../runtime/sip/client-transaction.ts";
import type { Flow } from "../runtime/sip/flow.ts";
import type { SipMessage } from "../runtime/sip/message.ts";
import { parseDatagram } from "../runtime/sip/parse.ts";
import { createResponse, serialise } from "../runtime/sip/serialise.ts";
import { ServerMachine, type ServerLayer } from "../runtime/sip/server-transaction.ts";
import { TimerQueues } from "../runtime/sip/timer-queue.ts";
import { TransactionLayer, type ServerTransaction, type TransactionUser } from "../runtime/sip/transaction.ts";
import { VirtualClock } from "./virtual-clock.ts";

const times = { t1Ms: 500, t2Ms: 4000, t4Ms: 5000 };

function read(lines: readonly string[]): SipMessage {
  return parseDatagram(Buffer.from([...lines, "", ""].join("\r\n")));
}

interface RequestParts {
  readonly branch?: string;
  readonly callId?: string;
  readonly sentBy?: string;
  readonly uri?: string;
  readonly toTag?: string;
  readonly via?: boolean;
}

function request(method: string, { branch = "z9hG4bK1", callId = "c1", sentBy = "10.0.0.1:5060", uri = "sip:bob@10.0.0.2", toTag, via = true }: RequestParts = {}): SipMessage {
  return read([
    `${method} ${uri} SIP/2.0`,
    ...(via ? [`Via: SIP/2.0/UDP ${sentBy};branch=${branch}`] : []),
    "Max-Forwards: 70",
    "Route: <sip:10.0.0.9;lr>",
    "From: Alice <sip:alice@10.0.0.1>;tag=a",
    `To: <sip:bob@10.0.0.2>${toTag === undefined ? "" : `;tag=${toTag}`}`,
    `Call-ID: ${callId}`,
    `CSeq: 1 ${method}`,
    "Content-Length: 0",
  ]);
}

const startLine = (octets: Buffer): string => octets.toString("latin1").split("\r\n")[0] ?? "";

/** What a message is in one word: the method or the status. */
function nameOf(octets: Buffer): string {
  const words = startLine(octets).split(" ");
  return (words[0] === "SIP/2.0" ? words[1] : words[0]) ?? "";
}

interface Pending {
  readonly ms: number;
  readonly fire: () => void;
}

/** Timers that fire when the test says so. */
class ManualTimers {
  readonly running: Pending[] = [];

  after(ms: number, fire: () => void): { stop(): void } {
    const timer = { ms, fire };
    this.running.push(timer);
    return { stop: () => this.#remove(timer) };
  }

  fire(ms: number): void {
    const timer = this.running.find((running) => running.ms === ms);
    if (timer === undefined) throw new Error(`no timer of ${ms} ms runs`);
    this.#remove(timer);
    timer.fire();
  }

  toString(): string {
    return this.running
      .map(({ ms }) => ms)
      .sort((a, b) => a - b)
      .join(" ");
  }

  #remove(timer: Pending): void {
    const at = this.running.indexOf(timer);
    if (at >= 0) this.running.splice(at, 1);
  }
}

/** Takes what happened since the last look. */
class Log {
  #lines: string[] = [];
  add(line: string): void {
    this.#lines.push(line);
  }
  take(): string {
    const lines = this.#lines.join(", ");
    this.#lines = [];
    return lines;
  }
}

function flowInto(log: Log, reliable: boolean): Flow & { breaks: ((error: Error) => void) | undefined } {
  const flow = {
    transport: reliable ? ("tcp" as const) : ("udp" as const),
    reliable,
    local: { host: "10.0.0.1", port: 5060 },
    remote: { host: "10.0.0.2", port: 5060 },
    sentBy: "10.0.0.1:5060",
    closed: false,
    breaks: undefined as ((error: Error) => void) | undefined,
    send(octets: Buffer, failed?: (error: Error) => void) {
      log.add(`send ${nameOf(octets)}`);
      flow.breaks = failed;
    },
  };
  return flow;
}

/** One machine with everything around it in the test's hands. Each `after` is `state | what was done | timers that run, in ms`. */
interface Bench {
  do(input: string): string;
}

function clientBench(method: string, reliable: boolean): Bench {
  const log = new Log();
  const timers = new ManualTimers();
  const flow = flowInto(log, reliable);
  const invite = request(method);
  const user: ClientUser = {
    onResponse: (response) => log.add(`user ${response.status}`),
    onTimeout: () => log.add("user timeout"),
    onTransportError: (error) => log.add(`user ${error.message}`),
  };
  const layer: ClientLayer = { times, timers, sendCancel: (cancel) => log.add(`send ${nameOf(serialise(cancel))}`), onEnd: () => log.add("end") };
  const machine = new ClientMachine("key", invite, user, layer);
  return {
    do(input) {
      if (input === "start") machine.start(serialise(invite), flow);
      else if (input === "cancel") machine.cancel([]);
      else if (input === "error") flow.breaks?.(new Error("error"));
      else if (input.startsWith("timer ")) timers.fire(Number(input.slice(6)));
      else machine.receive(createResponse(request(method), Number(input), undefined, "t"));
      return `${machine.state} | ${log.take()} | ${timers}`;
    },
  };
}

function serverBench(method: string, reliable: boolean): Bench {
  const log = new Log();
  const timers = new ManualTimers();
  const flow = flowInto(log, reliable);
  const layer: ServerLayer = {
    times,
    timers,
    token: () => "tag",
    onRequest: (transaction) => log.add(`user ${transaction.method}`),
    onAck: () => log.add("user ACK"),
    onTimeout: () => log.add("user timeout"),
    onTransportError: (_transaction, error) => log.add(`user ${error.message}`),
    onEnd: () => log.add("end"),
  };
  const machine = new ServerMachine({ key: "key", mergeKey: undefined, merged: false }, request(method), flow, flow, layer);
  return {
    do(input) {
      if (input === "start") machine.start();
      else if (input === "request") machine.retransmitted();
      else if (input === "ACK") machine.acknowledged(request("ACK"), flow);
      else if (input === "error") flow.breaks?.(new Error("error"));
      else if (input.startsWith("timer ")) timers.fire(Number(input.slice(6)));
      else machine.respond(createResponse(request(method), Number(input), undefined, "t"));
      return `${machine.state} | ${log.take()} | ${timers}`;
    },
  };
}

/**
 * One state of a figure: how to get there, the timers that then run, and what
 * every input does. An input that is not listed leaves everything as it is; a
 * timer that is not running cannot fire, so that its cell is empty too.
 */
interface StateOfFigure {
  readonly by: readonly string[];
  readonly is: string;
  readonly on: Readonly<Record<string, string>>;
}

function figure(title: string, bench: () => Bench, inputs: readonly string[], states: readonly StateOfFigure[]): void {
  describe(title, () => {
    for (const { by, is, on } of states) {
      const reach = (): { bench: Bench; reached: string } => {
        const fresh = bench();
        let reached = "";
        for (const input of by) reached = fresh.do(input);
        return { bench: fresh, reached };
      };
      test(`${by.join(", ")}: ${is}`, () => expect(reach().reached).toBe(is));
      const [state, , timers = ""] = is.split(" | ");
      const running = timers === "" ? [] : timers.split(" ").map((ms) => `timer ${ms}`);
      for (const input of [...inputs, ...running]) {
        test(`${by.join(", ")}: ${input}`, () => expect(reach().bench.do(input)).toBe(on[input] ?? `${state} |  | ${timers}`));
      }
    }
  });
}

const clientInputs = ["100", "180", "200", "486", "cancel", "error"];

figure("RFC 3261 figure 5 with RFC 6026: INVITE client transaction over UDP", () => clientBench("INVITE", false), clientInputs, [
  {
    by: ["start"],
    is: "calling | send INVITE | 500 32000",
    on: {
      "timer 500": "calling | send INVITE | 1000 32000",
      "timer 32000": "terminated | end, user timeout | ",
      "100": "proceeding | user 100 | ",
      "180": "proceeding | user 180 | ",
      "200": "accepted | user 200 | 32000",
      "486": "completed | send ACK, user 486 | 32000",
      error: "terminated | end, user error | ",
    },
  },
  {
    by: ["start", "timer 500", "timer 1000", "timer 2000", "timer 4000"],
    is: "calling | send INVITE | 8000 32000",
    on: {
      "timer 8000": "calling | send INVITE | 16000 32000",
      "timer 32000": "terminated | end, user timeout | ",
      "100": "proceeding | user 100 | ",
      "180": "proceeding | user 180 | ",
      "200": "accepted | user 200 | 32000",
      "486": "completed | send ACK, user 486 | 32000",
      error: "terminated | end, user error | ",
    },
  },
  {
    by: ["start", "cancel", "180"],
    is: "proceeding | send CANCEL, user 180 | 32000",
    on: {
      "timer 32000": "terminated | end, user timeout | ",
      "100": "proceeding | user 100 | 32000",
      "180": "proceeding | user 180 | 32000",
      "200": "accepted | user 200 | 32000",
      "486": "completed | send ACK, user 486 | 32000",
    },
  },
  {
    by: ["start", "100"],
    is: "proceeding | user 100 | ",
    on: {
      "100": "proceeding | user 100 | ",
      "180": "proceeding | user 180 | ",
      "200": "accepted | user 200 | 32000",
      "486": "completed | send ACK, user 486 | 32000",
      cancel: "proceeding | send CANCEL | 32000",
    },
  },
  {
    by: ["start", "486"],
    is: "completed | send ACK, user 486 | 32000",
    on: {
      "486": "completed | send ACK | 32000",
      "timer 32000": "terminated | end | ",
      error: "terminated | end, user error | ",
    },
  },
  {
    by: ["start", "200"],
    is: "accepted | user 200 | 32000",
    on: { "200": "accepted | user 200 | 32000", "timer 32000": "terminated | end | " },
  },
  { by: ["start", "200", "timer 32000"], is: "terminated | end | ", on: {} },
]);

figure("RFC 3261 figure 5 with RFC 6026: INVITE client transaction over TCP", () => clientBench("INVITE", true), clientInputs, [
  {
    by: ["start"],
    is: "calling | send INVITE | 32000",
    on: {
      "timer 32000": "terminated | end, user timeout | ",
      "100": "proceeding | user 100 | ",
      "180": "proceeding | user 180 | ",
      "200": "accepted | user 200 | 32000",
      "486": "terminated | send ACK, end, user 486 | ",
      error: "terminated | end, user error | ",
    },
  },
  {
    by: ["start", "180"],
    is: "proceeding | user 180 | ",
    on: {
      "100": "proceeding | user 100 | ",
      "180": "proceeding | user 180 | ",
      "200": "accepted | user 200 | 32000",
      "486": "terminated | send ACK, end, user 486 | ",
      cancel: "proceeding | send CANCEL | 32000",
    },
  },
  { by: ["start", "200"], is: "accepted | user 200 | 32000", on: { "200": "accepted | user 200 | 32000", "timer 32000": "terminated | end | " } },
]);

figure("RFC 3261 figure 6: non-INVITE client transaction over UDP", () => clientBench("BYE", false), clientInputs, [
  {
    by: ["start"],
    is: "trying | send BYE | 500 32000",
    on: {
      "timer 500": "trying | send BYE | 1000 32000",
      "timer 32000": "terminated | end, user timeout | ",
      "100": "proceeding | user 100 | 500 32000",
      "180": "proceeding | user 180 | 500 32000",
      "200": "completed | user 200 | 5000",
      "486": "completed | user 486 | 5000",
      error: "terminated | end, user error | ",
    },
  },
  {
    by: ["start", "timer 500", "timer 1000", "timer 2000", "timer 4000"],
    is: "trying | send BYE | 4000 32000",
    on: {
      "timer 4000": "trying | send BYE | 4000 32000",
      "timer 32000": "terminated | end, user timeout | ",
      "100": "proceeding | user 100 | 4000 32000",
      "180": "proceeding | user 180 | 4000 32000",
      "200": "completed | user 200 | 5000",
      "486": "completed | user 486 | 5000",
      error: "terminated | end, user error | ",
    },
  },
  {
    by: ["start", "100"],
    is: "proceeding | user 100 | 500 32000",
    on: {
      "timer 500": "proceeding | send BYE | 4000 32000",
      "timer 32000": "terminated | end, user timeout | ",
      "100": "proceeding | user 100 | 500 32000",
      "180": "proceeding | user 180 | 500 32000",
      "200": "completed | user 200 | 5000",
      "486": "completed | user 486 | 5000",
      error: "terminated | end, user error | ",
    },
  },
  { by: ["start", "200"], is: "completed | user 200 | 5000", on: { "timer 5000": "terminated | end | " } },
  { by: ["start", "200", "timer 5000"], is: "terminated | end | ", on: {} },
]);

figure("RFC 3261 figure 6: non-INVITE client transaction over TCP", () => clientBench("BYE", true), clientInputs, [
  {
    by: ["start"],
    is: "trying | send BYE | 32000",
    on: {
      "timer 32000": "terminated | end, user timeout | ",
      "100": "proceeding | user 100 | 32000",
      "180": "proceeding | user 180 | 32000",
      "200": "terminated | end, user 200 | ",
      "486": "terminated | end, user 486 | ",
      error: "terminated | end, user error | ",
    },
  },
  {
    by: ["start", "100"],
    is: "proceeding | user 100 | 32000",
    on: {
      "timer 32000": "terminated | end, user timeout | ",
      "100": "proceeding | user 100 | 32000",
      "180": "proceeding | user 180 | 32000",
      "200": "terminated | end, user 200 | ",
      "486": "terminated | end, user 486 | ",
      error: "terminated | end, user error | ",
    },
  },
]);

const serverInputs = ["request", "ACK", "100", "180", "200", "486", "error"];

figure("RFC 3261 figure 7 with RFC 6026: INVITE server transaction over UDP", () => serverBench("INVITE", false), serverInputs, [
  {
    by: ["start"],
    is: "proceeding | user INVITE | 200",
    on: {
      "timer 200": "proceeding | send 100 | ",
      "100": "proceeding | send 100 | ",
      "180": "proceeding | send 180 | ",
      "200": "accepted | send 200 | 32000",
      "486": "completed | send 486 | 500 32000",
    },
  },
  {
    by: ["start", "180"],
    is: "proceeding | send 180 | ",
    on: {
      request: "proceeding | send 180 | ",
      "100": "proceeding | send 100 | ",
      "180": "proceeding | send 180 | ",
      "200": "accepted | send 200 | 32000",
      "486": "completed | send 486 | 500 32000",
      error: "proceeding | user error | ",
    },
  },
  {
    by: ["start", "486"],
    is: "completed | send 486 | 500 32000",
    on: {
      request: "completed | send 486 | 500 32000",
      "timer 500": "completed | send 486 | 1000 32000",
      "timer 32000": "terminated | end, user timeout | ",
      ACK: "confirmed |  | 5000",
      error: "completed | user error | 500 32000",
    },
  },
  {
    by: ["start", "486", "timer 500", "timer 1000", "timer 2000", "timer 4000"],
    is: "completed | send 486 | 4000 32000",
    on: {
      request: "completed | send 486 | 4000 32000",
      "timer 4000": "completed | send 486 | 4000 32000",
      "timer 32000": "terminated | end, user timeout | ",
      ACK: "confirmed |  | 5000",
      error: "completed | user error | 4000 32000",
    },
  },
  { by: ["start", "486", "ACK"], is: "confirmed |  | 5000", on: { "timer 5000": "terminated | end | " } },
  {
    by: ["start", "200"],
    is: "accepted | send 200 | 32000",
    on: { "200": "accepted | send 200 | 32000", ACK: "accepted | user ACK | 32000", "timer 32000": "terminated | end | " },
  },
  { by: ["start", "200", "timer 32000"], is: "terminated | end | ", on: {} },
]);

figure("RFC 3261 figure 7 with RFC 6026: INVITE server transaction over TCP", () => serverBench("INVITE", true), serverInputs, [
  {
    by: ["start", "486"],
    is: "completed | send 486 | 32000",
    on: {
      request: "completed | send 486 | 32000",
      "timer 32000": "terminated | end, user timeout | ",
      ACK: "terminated | end | ",
      error: "completed | user error | 32000",
    },
  },
  {
    by: ["start", "200"],
    is: "accepted | send 200 | 32000",
    on: { "200": "accepted | send 200 | 32000", ACK: "accepted | user ACK | 32000", "timer 32000": "terminated | end | " },
  },
]);

figure("RFC 3261 figure 8: non-INVITE server transaction over UDP", () => serverBench("BYE", false), serverInputs, [
  {
    by: ["start"],
    is: "trying | user BYE | ",
    on: {
      "100": "proceeding | send 100 | ",
      "180": "proceeding | send 180 | ",
      "200": "completed | send 200 | 32000",
      "486": "completed | send 486 | 32000",
    },
  },
  {
    by: ["start", "100"],
    is: "proceeding | send 100 | ",
    on: {
      request: "proceeding | send 100 | ",
      "100": "proceeding | send 100 | ",
      "180": "proceeding | send 180 | ",
      "200": "completed | send 200 | 32000",
      "486": "completed | send 486 | 32000",
      error: "terminated | end, user error | ",
    },
  },
  {
    by: ["start", "200"],
    is: "completed | send 200 | 32000",
    // The request is let go with the final response: there is nobody to tell whose response did not leave.
    on: { request: "completed | send 200 | 32000", "timer 32000": "terminated | end | ", error: "terminated | end | " },
  },
  { by: ["start", "200", "timer 32000"], is: "terminated | end | ", on: {} },
]);

figure("RFC 3261 figure 8: non-INVITE server transaction over TCP", () => serverBench("BYE", true), serverInputs, [
  {
    by: ["start", "100"],
    is: "proceeding | send 100 | ",
    on: {
      request: "proceeding | send 100 | ",
      "100": "proceeding | send 100 | ",
      "180": "proceeding | send 180 | ",
      "200": "terminated | send 200, end | ",
      "486": "terminated | send 486, end | ",
      error: "terminated | end, user error | ",
    },
  },
]);

describe("timers of one length share one timer of the clock", () => {
  test("they fire in order, at their instants, and a stopped one does not", () => {
    const clock = new VirtualClock();
    const timers = new TimerQueues(clock);
    const fired: string[] = [];
    const start = (name: string, ms: number) => timers.after(ms, () => fired.push(`${name}@${clock.now()}`));
    const first = start("first", 100);
    start("short", 30);
    clock.advance(40);
    const second = start("second", 100);
    start("third", 100);
    first.stop();
    clock.advance(60);
    second.stop();
    second.stop();
    clock.advance(100);
    expect(fired).toEqual(["short@30", "third@140"]);
  });

  test("a timer that fires may start and stop others of its length", () => {
    const clock = new VirtualClock();
    const timers = new TimerQueues(clock);
    const fired: number[] = [];
    timers.after(10, () => {
      fired.push(clock.now());
      doomed.stop();
      timers.after(10, () => fired.push(clock.now()));
    });
    const doomed = timers.after(10, () => fired.push(-1));
    clock.advance(100);
    expect(fired).toEqual([10, 20]);
  });

  test("ten thousand running timers keep one timer of the clock", () => {
    const clock = new VirtualClock();
    let started = 0;
    const counting = { now: () => clock.now(), wall: () => clock.wall(), after: (ms: number, fire: () => void) => (started++, clock.after(ms, fire)) };
    const timers = new TimerQueues(counting);
    let fired = 0;
    for (let i = 0; i < 10_000; i++) timers.after(32_000, () => fired++);
    expect(started).toBe(1);
    clock.advance(32_000);
    expect(fired).toBe(10_000);
  });
});

type Heard = { readonly at: number; readonly line: string };

/** A layer whose flow goes to nobody, and what it does. */
class Lone {
  readonly clock = new VirtualClock();
  readonly sent: (Heard & { readonly message: SipMessage })[] = [];
  readonly told: string[] = [];
  readonly servers: ServerTransaction[] = [];
  readonly flow: Flow;
  readonly layer: TransactionLayer;
  #token = 0;

  constructor(reliable = false, user: Partial<TransactionUser> = {}) {
    this.flow = {
      transport: reliable ? "tcp" : "udp",
      reliable,
      local: { host: "10.0.0.1", port: 5060 },
      remote: { host: "10.0.0.2", port: 5060 },
      sentBy: "10.0.0.1:5060",
      closed: false,
      send: (octets) => void this.sent.push({ at: this.clock.now(), line: nameOf(octets), message: parseDatagram(octets) }),
    };
    this.layer = new TransactionLayer({
      clock: this.clock,
      random: (bits) => (this.#token++).toString(16).padStart(bits / 4, "0"),
      transport: { flowTo: () => Promise.resolve(this.flow), replyPath: () => this.flow },
      user: {
        onRequest: (transaction) => {
          this.servers.push(transaction);
          this.told.push(transaction.method);
        },
        onAck: (ack) => this.told.push(`ACK ${ack.callId}`),
        onCancel: (invite, cancel) => {
          this.told.push(`CANCEL ${cancel.callId}`);
          invite.respond(createResponse(invite.request, 487, undefined, invite.toTag));
        },
        onServerTimeout: () => this.told.push("no ACK"),
        onStrayResponse: (response) => this.told.push(`stray ${response.status}`),
        ...user,
      },
    });
  }

  get client(): ClientUser {
    return {
      onResponse: (response) => this.told.push(String(response.status)),
      onTimeout: () => this.told.push(`timeout at ${this.clock.now()}`),
      onTransportError: (error) => this.told.push(error.message),
    };
  }

  receive(message: SipMessage): void {
    this.layer.receive(message, this.flow);
  }

  /** A response to the request that left last with this method. */
  answer(method: string, status: number, toTag = "t"): void {
    const last = this.sent.findLast(({ line }) => line === method);
    if (last === undefined) throw new Error(`no ${method} was sent`);
    this.receive(createResponse(last.message, status, undefined, toTag));
  }

  get lines(): string[] {
    return this.sent.map(({ line }) => line);
  }
}

describe("timelines", () => {
  test("an INVITE without an answer leaves seven times in 32 seconds", () => {
    const lone = new Lone();
    lone.layer.request(request("INVITE", { via: false }), lone.flow, lone.client);
    lone.clock.advance(100_000);
    expect(lone.sent.map(({ at }) => at)).toEqual([0, 500, 1500, 3500, 7500, 15500, 31500]);
    expect(lone.told).toEqual(["timeout at 32000"]);
    expect(lone.layer.size).toEqual({ client: 0, server: 0 });
  });

  test("any other request leaves eleven times, never more than T2 apart", () => {
    const lone = new Lone();
    lone.layer.request(request("MESSAGE", { via: false }), lone.flow, lone.client);
    lone.clock.advance(100_000);
    expect(lone.sent.map(({ at }) => at)).toEqual([0, 500, 1500, 3500, 7500, 11500, 15500, 19500, 23500, 27500, 31500]);
    expect(lone.told).toEqual(["timeout at 32000"]);
  });

  test("over TCP both leave once", () => {
    const lone = new Lone(true);
    lone.layer.request(request("INVITE", { via: false }), lone.flow, lone.client);
    lone.layer.request(request("MESSAGE", { via: false }), lone.flow, lone.client);
    lone.clock.advance(100_000);
    expect(lone.lines).toEqual(["INVITE", "MESSAGE"]);
    expect(lone.told).toEqual(["timeout at 32000", "timeout at 32000"]);
  });

  test("a 486 to INVITE without its ACK leaves eleven times, and the user is told", () => {
    const lone = new Lone();
    lone.receive(request("INVITE"));
    lone.servers[0]?.respond(createResponse(request("INVITE"), 486, undefined, "t"));
    lone.clock.advance(100_000);
    expect(lone.sent.map(({ at }) => at)).toEqual([0, 500, 1500, 3500, 7500, 11500, 15500, 19500, 23500, 27500, 31500]);
    expect(lone.told).toEqual(["INVITE", "no ACK"]);
    expect(lone.layer.size.server).toBe(0);
  });

  test("100 (Trying) leaves after 200 ms, and answers retransmissions, unless the user was faster", () => {
    const slow = new Lone();
    slow.receive(request("INVITE"));
    slow.clock.advance(199);
    expect(slow.lines).toEqual([]);
    slow.clock.advance(1);
    slow.receive(request("INVITE"));
    expect(slow.lines).toEqual(["100", "100"]);
    expect(slow.sent[0]?.message.to.params.has("tag")).toBe(false);
    const fast = new Lone();
    fast.receive(request("INVITE"));
    fast.servers[0]?.respond(createResponse(request("INVITE"), 180, undefined, "t"));
    fast.clock.advance(1000);
    expect(fast.lines).toEqual(["180"]);
  });
});

describe("matching", () => {
  test("our Via has the cookie, 72 random bits and rport, and no two are the same", () => {
    const lone = new Lone();
    for (let i = 0; i < 3; i++) lone.layer.request(request("OPTIONS", { via: false }), lone.flow, lone.client);
    const branches = lone.sent.map(({ message }) => message.get("Via"));
    expect(branches[0]).toBe("SIP/2.0/UDP 10.0.0.1:5060;branch=z9hG4bK000000000000000000;rport");
    expect(new Set(branches).size).toBe(3);
  });

  test("a request sent again to another target gets another branch in place of the first", () => {
    const lone = new Lone();
    const again = request("OPTIONS", { via: false });
    lone.layer.request(again, lone.flow, lone.client);
    lone.layer.request(again, lone.flow, lone.client);
    expect(lone.sent.map(({ message }) => message.getAll("Via"))).toEqual([
      ["SIP/2.0/UDP 10.0.0.1:5060;branch=z9hG4bK000000000000000000;rport"],
      ["SIP/2.0/UDP 10.0.0.1:5060;branch=z9hG4bK000000000000000001;rport"],
    ]);
  });

  test.each([
    ["another branch", { branch: "z9hG4bK2" }],
    ["another host in sent-by", { sentBy: "10.0.0.3:5060" }],
    ["another port in sent-by", { sentBy: "10.0.0.1:5070" }],
  ])("%s is another transaction", (_what, parts) => {
    const lone = new Lone();
    lone.receive(request("OPTIONS"));
    lone.receive(request("OPTIONS", parts));
    expect(lone.told).toEqual(["OPTIONS", "OPTIONS"]);
  });

  test("the same branch with another method is another transaction", () => {
    const lone = new Lone();
    lone.receive(request("INVITE"));
    lone.receive(request("OPTIONS"));
    expect(lone.told).toEqual(["INVITE", "OPTIONS"]);
  });

  test("the host of sent-by is compared without case", () => {
    const lone = new Lone();
    lone.receive(request("OPTIONS", { sentBy: "Host.Example" }));
    lone.receive(request("OPTIONS", { sentBy: "hOST.example" }));
    expect(lone.told).toEqual(["OPTIONS"]);
  });

  test.each(["1", "z9hG4b", "z9hG4bK"])("RFC 2543: branch '%s' says nothing; the header fields tell retransmission, ACK and CANCEL", (branch) => {
    const lone = new Lone();
    const old = { branch, callId: "old" };
    lone.receive(request("INVITE", old));
    lone.receive(request("INVITE", old));
    lone.receive(request("INVITE", { ...old, callId: "other" }));
    lone.receive(request("INVITE", { ...old, uri: "sip:carol@10.0.0.2" }));
    expect(lone.told).toEqual(["INVITE", "INVITE", "INVITE"]);
    lone.receive(request("CANCEL", old));
    expect(lone.lines).toEqual(["200", "487"]);
    lone.receive(request("ACK", { ...old, toTag: lone.servers[0]?.toTag ?? "" }));
    lone.clock.advance(4_999);
    lone.receive(request("INVITE", old));
    expect(lone.told).toEqual(["INVITE", "INVITE", "INVITE", "CANCEL old"]);
    expect(lone.lines.filter((line) => line === "487")).toEqual(["487"]);
  });

  test("the ACK of a 2xx goes to the user, with the INVITE's branch or its own, every copy", () => {
    const lone = new Lone();
    lone.receive(request("INVITE"));
    lone.servers[0]?.respond(createResponse(request("INVITE"), 200, undefined, "t"));
    lone.receive(request("ACK", { branch: "z9hG4bKother" }));
    lone.receive(request("ACK"));
    lone.receive(request("ACK", { branch: "z9hG4bKother" }));
    expect(lone.told).toEqual(["INVITE", "ACK c1", "ACK c1", "ACK c1"]);
  });

  test("the ACK of a 486 does not", () => {
    const lone = new Lone();
    lone.receive(request("INVITE"));
    lone.servers[0]?.respond(createResponse(request("INVITE"), 486, undefined, "t"));
    lone.receive(request("ACK"));
    lone.receive(request("ACK"));
    expect(lone.told).toEqual(["INVITE"]);
  });

  test("a response to nothing of ours, or through another Via, is stray", () => {
    const lone = new Lone();
    lone.layer.request(request("OPTIONS", { via: false }), lone.flow, lone.client);
    lone.receive(createResponse(request("OPTIONS"), 200));
    const [sent] = lone.sent;
    if (sent === undefined) throw new Error("nothing was sent");
    const second = createResponse(sent.message, 200).add("Via", "SIP/2.0/UDP 10.0.0.7;branch=z9hG4bKx");
    lone.receive(second);
    const otherMethod = createResponse(sent.message, 200).set("CSeq", "1 MESSAGE");
    lone.receive(otherMethod);
    expect(lone.told).toEqual(["stray 200", "stray 200", "stray 200"]);
    expect(lone.layer.counters.strayResponses).toBe(3);
  });

  test("retransmitted and forked 2xx all reach the user, until timer M", () => {
    const lone = new Lone();
    lone.layer.request(request("INVITE", { via: false }), lone.flow, lone.client);
    for (const tag of ["x", "x", "y"]) lone.answer("INVITE", 200, tag);
    lone.clock.advance(31_999);
    lone.answer("INVITE", 200, "z");
    lone.clock.advance(1);
    lone.answer("INVITE", 200, "late");
    expect(lone.told).toEqual(["200", "200", "200", "200", "stray 200"]);
  });

  test("a request on two paths is merged while the first is alive, in a dialog it is not", () => {
    const lone = new Lone();
    lone.receive(request("MESSAGE", { branch: "z9hG4bKa" }));
    lone.receive(request("MESSAGE", { branch: "z9hG4bKb" }));
    lone.receive(request("MESSAGE", { branch: "z9hG4bKc", callId: "other" }));
    lone.receive(request("BYE", { branch: "z9hG4bKd", toTag: "t" }));
    lone.receive(request("BYE", { branch: "z9hG4bKe", toTag: "t" }));
    expect(lone.servers.map(({ merged }) => merged)).toEqual([false, true, false, false, false]);
    for (const server of lone.servers) server.respond(createResponse(server.request, 200, undefined, server.toTag));
    lone.clock.advance(32_000);
    lone.receive(request("MESSAGE", { branch: "z9hG4bKf" }));
    expect(lone.servers.at(-1)?.merged).toBe(false);
  });

  test("a final response is the last one, except 2xx to INVITE", () => {
    const lone = new Lone();
    lone.receive(request("MESSAGE"));
    const [server] = lone.servers;
    server?.respond(createResponse(server.request, 200));
    server?.respond(createResponse(server.request, 500));
    expect(lone.lines).toEqual(["200"]);
    expect(server?.finalSent).toBe(true);
  });

  test("a request that its user cannot read after all is answered 400", () => {
    const lone = new Lone(false, { onRequest: (transaction) => void transaction.request.set("CSeq", "broken").cseq });
    lone.receive(request("MESSAGE"));
    expect(lone.lines).toEqual(["400"]);
  });
});

describe("memory", () => {
  test("a finished server transaction keeps nothing of its request", () => {
    setFlagsFromString("--expose-gc");
    const collect = runInNewContext("gc") as () => void;
    const used = () => {
      collect();
      return process.memoryUsage().heapUsed + process.memoryUsage().arrayBuffers;
    };
    const lone = new Lone(false, { onRequest: (transaction) => transaction.respond(createResponse(transaction.request, 200, undefined, "t")) });
    const receive = (i: number) => {
      // Long enough for V8 to refer to the header instead of copying.
      const long = serialise(request("MESSAGE", { branch: `z9hG4bK-a-longer-branch-${i}`, callId: `a-longer-call-id-${i}` }).add("Subject", "x".repeat(20_000)));
      lone.receive(parseDatagram(long));
      lone.sent.length = 0;
    };
    receive(0);
    const before = used();
    for (let i = 1; i <= 1000; i++) receive(i);
    const octetsEach = (used() - before) / 1000;
    expect(lone.layer.size.server).toBe(1001);
    expect(octetsEach).toBeLessThan(8_000);
  });
});

describe("RFC 3261 §17.1.1.3: the ACK of a final response other than 2xx", () => {
  test("has the INVITE's Request-URI, top Via, Route, From, Call-ID and CSeq number, and the response's To", () => {
    const lone = new Lone();
    lone.layer.request(request("INVITE", { via: false }), lone.flow, lone.client);
    lone.answer("INVITE", 486, "busy");
    const [invite, ack] = lone.sent.map(({ message }) => message);
    expect(ack?.uri).toBe("sip:bob@10.0.0.2");
    for (const name of ["Via", "Route", "From", "Call-ID"]) expect(ack?.getAll(name)).toEqual(invite?.getAll(name));
    expect(ack?.get("CSeq")).toBe("1 ACK");
    expect(ack?.get("To")).toBe("<sip:bob@10.0.0.2>;tag=busy");
  });
});

describe("RFC 3261 §9: CANCEL", () => {
  test("waits for a provisional response, carries the INVITE's branch, and the INVITE ends with its own final response", () => {
    const lone = new Lone();
    const invite = lone.layer.request(request("INVITE", { via: false }), lone.flow, lone.client);
    invite.cancel([["Reason", "SIP;cause=200"]]);
    expect(lone.lines).toEqual(["INVITE"]);
    lone.answer("INVITE", 180);
    invite.cancel();
    expect(lone.lines).toEqual(["INVITE", "CANCEL"]);
    const [sent, cancel] = lone.sent.map(({ message }) => message);
    for (const name of ["Via", "Route", "From", "To", "Call-ID"]) expect(cancel?.getAll(name)).toEqual(sent?.getAll(name));
    expect([cancel?.uri, cancel?.get("CSeq"), cancel?.get("Reason")]).toEqual([sent?.uri, "1 CANCEL", "SIP;cause=200"]);
    lone.answer("CANCEL", 200);
    lone.answer("INVITE", 487);
    lone.clock.advance(100_000);
    expect(lone.told).toEqual(["180", "487"]);
    expect(lone.lines).toEqual(["INVITE", "CANCEL", "ACK"]);
    expect(lone.layer.size.client).toBe(0);
  });

  test("is retransmitted like any request, and after 64*T1 the INVITE is given up", () => {
    const lone = new Lone();
    const invite = lone.layer.request(request("INVITE", { via: false }), lone.flow, lone.client);
    lone.answer("INVITE", 100);
    invite.cancel();
    lone.clock.advance(100_000);
    expect(lone.lines.filter((line) => line === "CANCEL")).toHaveLength(11);
    expect(lone.told).toEqual(["100", "timeout at 32000"]);
  });

  test("stays home after a final response", () => {
    const lone = new Lone();
    const invite = lone.layer.request(request("INVITE", { via: false }), lone.flow, lone.client);
    invite.cancel();
    lone.answer("INVITE", 200);
    invite.cancel();
    expect(lone.lines).toEqual(["INVITE"]);
  });

  test("of any other request does nothing", () => {
    const lone = new Lone();
    const message = lone.layer.request(request("MESSAGE", { via: false }), lone.flow, lone.client);
    message.cancel();
    lone.answer("MESSAGE", 100);
    message.cancel();
    expect(lone.lines).toEqual(["MESSAGE"]);
  });

  test("that comes in is answered 200 with the INVITE's tag and told once; its retransmission is answered again", () => {
    const lone = new Lone();
    lone.receive(request("INVITE"));
    lone.receive(request("CANCEL"));
    lone.receive(request("CANCEL"));
    expect(lone.told).toEqual(["INVITE", "CANCEL c1"]);
    expect(lone.lines).toEqual(["200", "487", "200"]);
    const [ok, terminated] = lone.sent.map(({ message }) => message.to.params.get("tag"));
    expect(ok).toBeDefined();
    expect(ok).toBe(terminated);
  });

  test("that comes after the final response is answered 200 and changes nothing", () => {
    const lone = new Lone();
    lone.receive(request("INVITE"));
    lone.servers[0]?.respond(createResponse(request("INVITE"), 200, undefined, "t"));
    lone.receive(request("CANCEL"));
    expect(lone.told).toEqual(["INVITE"]);
    expect(lone.lines).toEqual(["200", "200"]);
  });

  test("of nothing that we know is answered 481", () => {
    const lone = new Lone();
    lone.receive(request("CANCEL"));
    lone.receive(request("CANCEL", { branch: "old", callId: "old" }));
    expect(lone.lines).toEqual(["481", "481"]);
    expect(lone.told).toEqual([]);
  });
});

describe("targets", () => {
  const target = { transport: "udp", host: "10.0.0.2", port: 5060 } as const;

  test("a target that cannot be reached is a transport error, and nothing stays behind", async () => {
    const clock = new VirtualClock();
    const failing = new Lone();
    const layer = new TransactionLayer({
      clock,
      random: () => "00",
      transport: { flowTo: () => Promise.reject(new Error("refused")), replyPath: () => failing.flow },
      user: { onRequest() {}, onAck() {}, onCancel() {}, onServerTimeout() {} },
    });
    layer.request(request("INVITE", { via: false }), target, failing.client);
    layer.sendAck(request("ACK", { via: false }), target);
    await clock.advanceAsync(0);
    expect(failing.told).toEqual(["refused"]);
    expect(layer.size.client).toBe(0);
  });

  test("above 1,300 octets the request asks for TCP, and its Via says so", async () => {
    const udp = new Lone();
    const tcp = new Lone(true);
    const sizes: number[] = [];
    const layer = new TransactionLayer({
      clock: udp.clock,
      random: () => "00",
      transport: { flowTo: (_target, octets) => (sizes.push(octets), Promise.resolve(octets > 1300 ? tcp.flow : udp.flow)), replyPath: () => udp.flow },
      user: { onRequest() {}, onAck() {}, onCancel() {}, onServerTimeout() {} },
    });
    const large = request("MESSAGE", { via: false });
    large.body = Buffer.alloc(1300, "x");
    layer.request(request("MESSAGE", { via: false }), target, udp.client);
    layer.request(large, target, udp.client);
    await udp.clock.advanceAsync(0);
    expect(udp.lines).toEqual(["MESSAGE"]);
    expect(tcp.sent.map(({ message }) => message.getAll("Via"))).toEqual([["SIP/2.0/TCP 10.0.0.1:5060;branch=z9hG4bK00;rport"]]);
    expect(sizes[2]).toBeGreaterThan(1300);
  });
});

/** A network that loses, doubles and reorders what two layers send each other, the same for one seed. */
class LossyNetwork {
  readonly clock = new VirtualClock();
  readonly #random: () => number;
  readonly #loss: number;

  constructor(seed: number, loss: number) {
    this.#random = mulberry32(seed);
    this.#loss = loss;
  }

  chance(): number {
    return this.#random();
  }

  flow(arrive: (octets: Buffer) => void, own: string): Flow {
    return {
      transport: "udp",
      reliable: false,
      local: { host: own, port: 5060 },
      remote: { host: "10.0.0.9", port: 5060 },
      sentBy: `${own}:5060`,
      closed: false,
      send: (octets) => {
        const copies = this.#random() < this.#loss ? 0 : this.#random() < 0.2 ? 2 : 1;
        for (let i = 0; i < copies; i++) this.clock.after(Math.floor(this.#random() * 700), () => arrive(octets));
      },
    };
  }
}

function mulberry32(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

/** Runs requests through one lossy network to the end; returns what is wrong. */
function lossyRun(seed: number, loss: number): string[] {
  const network = new LossyNetwork(seed, loss);
  const wrong: string[] = [];
  const delivered = new Map<string, number>();
  const finals = new Map<string, string[]>();
  let token = 0;
  const random = (bits: number) => (token++).toString(16).padStart(bits / 4, "0");
  const noCore = { onRequest() {}, onAck() {}, onCancel() {}, onServerTimeout() {} };
  const toServer = network.flow((octets) => server.receive(parseDatagram(octets), toClient), "10.0.0.1");
  const toClient = network.flow((octets) => client.receive(parseDatagram(octets), toServer), "10.0.0.2");
  const client = new TransactionLayer({ clock: network.clock, random, transport: { flowTo: () => Promise.resolve(toServer), replyPath: () => toServer }, user: noCore });
  const server = new TransactionLayer({
    clock: network.clock,
    random,
    transport: { flowTo: () => Promise.resolve(toClient), replyPath: () => toClient },
    user: {
      ...noCore,
      onRequest(transaction) {
        const { callId } = transaction.request;
        delivered.set(callId, (delivered.get(callId) ?? 0) + 1);
        const status = [200, 200, 404, 486][Math.floor(network.chance() * 4)] ?? 200;
        const respond = (s: number) => transaction.respond(createResponse(transaction.request, s, undefined, transaction.toTag));
        if (network.chance() < 0.5) network.clock.after(network.chance() * 1000, () => transaction.finalSent || respond(180));
        network.clock.after(network.chance() * 3000, () => {
          respond(status);
          // The user retransmits a 2xx to INVITE (§13.3.1.4).
          if (transaction.method === "INVITE" && status === 200) for (let ms = 500; ms < 32_000; ms += 4000) network.clock.after(ms, () => respond(200));
        });
      },
    },
  });
  for (let i = 0; i < 12; i++) {
    const callId = `call-${i}`;
    const method = i % 2 === 0 ? "INVITE" : "MESSAGE";
    const ends: string[] = [];
    let accepted = "";
    finals.set(callId, ends);
    const transaction = client.request(request(method, { via: false, callId }), toServer, {
      onResponse(response) {
        if (response.callId !== callId) wrong.push(`${callId} got the response of ${response.callId}`);
        const tag = `${response.status} ${response.to.params.get("tag")}`;
        if (response.status < 200 || tag === accepted) return;
        if (response.status === 200 && method === "INVITE") accepted = tag;
        ends.push(String(response.status));
      },
      onTimeout: () => ends.push("timeout"),
      onTransportError: () => ends.push("error"),
    });
    // An INVITE that got a provisional response and no final one ends only by its user's CANCEL.
    network.clock.after(60_000, () => ends.length > 0 || transaction.cancel());
  }
  network.clock.advance(300_000);
  for (const [callId, ends] of finals) {
    const times = delivered.get(callId) ?? 0;
    if (times > 1) wrong.push(`${callId} was delivered ${times} times`);
    if (ends.length !== 1) wrong.push(`${callId} ended with [${ends}]`);
    if (times === 0 && ends[0] !== "timeout") wrong.push(`${callId} was never delivered and ended with ${ends[0]}`);
  }
  const { size } = client;
  if (size.client + size.server + server.size.client + server.size.server > 0) wrong.push("transactions stayed behind");
  return wrong;
}

describe("a network that loses, doubles and reorders", () => {
  test.each([0, 0.1, 0.3, 0.6, 1])("loss %d: each request is delivered at most once, each final response once or a timeout, nothing stays", (loss) => {
    const failures: Record<number, string[]> = {};
    for (let seed = 1; seed <= 60; seed++) {
      const wrong = lossyRun(seed, loss);
      if (wrong.length > 0) failures[seed] = wrong;
    }
    expect(failures, "by seed").toEqual({});
  });
});
