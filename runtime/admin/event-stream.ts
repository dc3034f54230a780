import type { ServerResponse } from "node:http";
import { safeHeaders, toJson } from "./answer.ts";
import type { Observed } from "./inspection.ts";
import { Reader, type Outlet } from "./reader.ts";

/** How often a stream without news says that it lives; a client or a proxy may be gone. */
const heartbeatMs = 15_000;

const frame = (event: string, data: unknown): string => `event: ${event}\ndata: ${toJson(data)}\n\n`;

/**
 * What a page reads: server-sent events.
 *
 * First a `snapshot`, then a `step` or `timers` for everything that happens. `dropped` counts what was not read fast enough; a new
 * `snapshot` follows it. `ended` is the last.
 */
export class EventStream implements Outlet {
  readonly #response: ServerResponse;
  readonly #snapshot: () => unknown;
  readonly reader: Reader;

  /** `snapshot` is asked for at once, and again after something was dropped. */
  constructor(response: ServerResponse, snapshot: () => unknown) {
    this.#response = response;
    this.#snapshot = snapshot;
    response.writeHead(200, { ...safeHeaders("text/event-stream"), "x-accel-buffering": "no" });
    const heartbeat = setInterval(() => {
      if (!this.isBehind) response.write(": alive\n\n");
    }, heartbeatMs).unref();
    response.on("close", () => clearInterval(heartbeat));
    this.reader = new Reader(this);
    response.on("drain", () => this.reader.proceed());
  }

  get isBehind(): boolean {
    return this.#response.writableNeedDrain || this.#response.destroyed;
  }

  begin(): void {
    this.#response.write(frame("snapshot", this.#snapshot()));
  }

  tell(seen: readonly Observed[]): void {
    this.#response.write(seen.map((one) => frame(one.kind, told(one))).join(""));
  }

  tellDropped(seen: number): void {
    this.#response.write(frame("dropped", { seen }));
  }

  end(): void {
    this.#response.end(frame("ended", {}));
  }
}

/** Without a context that the reader has already. */
function told(seen: Observed): unknown {
  if (seen.kind === "timers") return seen;
  const { context, contextMoved, ...step } = seen;
  return contextMoved ? { ...step, context } : step;
}
