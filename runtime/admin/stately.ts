/** The same that a page reads, in the protocol of Stately's inspector and over a WebSocket: its own tools attach here. */
import { createInspector, type StatelyInspectionEvent } from "@statelyai/inspect";
import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import { WebSocketServer, type WebSocket } from "ws";
import { machines, type MachineName } from "../../machines/index.ts";
import { named } from "../../machines/inspect.ts";
import type { Instance } from "../session.ts";
import type { Observed, ObservedStep } from "./inspection.ts";
import { Reader, type Outlet } from "./reader.ts";

type Inspector = ReturnType<typeof createInspector>;
type ActorRef = Exclude<Parameters<Inspector["actor"]>[0], string>;

/** Octets that may wait in a socket before its reader counts as behind. */
const bufferedAtMost = 262_144;

/** How often a socket is asked whether anybody is there; one that did not answer since is closed. */
const pingMs = 15_000;

/** Nobody who attaches has anything to say. */
const sockets = new WebSocketServer({ noServer: true, maxPayload: 1024, perMessageDeflate: false });

/** Answers the upgrade of a request that may come in. `instances`: every machine that is looked at. */
export function upgrade(request: IncomingMessage, socket: Duplex, head: Buffer, instances: () => readonly Instance[], attached: (reader: Reader) => void): void {
  sockets.handleUpgrade(request, socket, head, (webSocket) => attached(new StatelyOutlet(webSocket, instances).reader));
}

/** One of Stately's tools: it gets `@xstate.actor`, `@xstate.event` and `@xstate.snapshot`, made by Stately's own inspector. */
class StatelyOutlet implements Outlet {
  readonly #socket: WebSocket;
  readonly #instances: () => readonly Instance[];
  readonly #inspector: Inspector;
  /** Actors that it has been told of, by the identifiers that they have there. */
  #actors = new Map<string, ActorRef>();
  readonly reader: Reader;

  constructor(socket: WebSocket, instances: () => readonly Instance[]) {
    this.#socket = socket;
    this.#instances = instances;
    this.#inspector = createInspector({ send: (event) => this.#send(event) });
    keepAlive(socket);
    this.reader = new Reader(this);
  }

  get isBehind(): boolean {
    return this.#socket.bufferedAmount > bufferedAtMost || this.#socket.readyState !== this.#socket.OPEN;
  }

  #send(event: StatelyInspectionEvent): void {
    this.#socket.send(JSON.stringify(event), () => this.#onSent());
  }

  #onSent(): void {
    if (this.#socket.bufferedAmount === 0) this.reader.proceed();
  }

  begin(): void {
    this.#actors = new Map();
    for (const { name, instance, snapshot } of this.#instances()) this.#inspector.actor(this.#actor(name, instance), shown(snapshot));
  }

  tell(seen: readonly Observed[]): void {
    for (const one of seen) if (one.kind === "step") this.#tellStep(one);
  }

  #tellStep({ machine, instance, event, state: value, context, over }: ObservedStep): void {
    const snapshot = { value, context, status: over ? ("done" as const) : ("active" as const) };
    const isNew = !this.#actors.has(idOf(machine, instance));
    const actor = this.#actor(machine, instance);
    if (isNew) this.#inspector.actor(actor, snapshot);
    if (event === undefined) return;
    this.#inspector.event(actor, event);
    this.#inspector.snapshot(actor, snapshot, { event });
  }

  /** The protocol has no word for it: an event of the group that no machine knows. */
  tellDropped(seen: number): void {
    const [group] = this.#actors.keys();
    if (group !== undefined) this.#inspector.event(group, { type: "inspection.dropped", seen });
  }

  end(): void {
    this.#socket.close(1000, "the group has ended");
  }

  /** What Stately's inspector reads of an actor: its identifier, its definition, and whose child it is. The group's is the first, and the parent of the others. */
  #actor(machine: MachineName, instance: string): ActorRef {
    const id = idOf(machine, instance);
    const known = this.#actors.get(id);
    if (known) return known;
    const [parent] = this.#actors.values();
    const actor = { sessionId: id, id, logic: { config: definitionOf(machine) }, ...(parent && { _parent: parent }) } as unknown as ActorRef;
    this.#actors.set(id, actor);
    return actor;
  }
}

const idOf = (machine: string, instance: string): string => `${machine}/${instance}`;

const shown = ({ value, context, status }: Instance["snapshot"]) => ({ value, context, status });

const definitions = new Map<MachineName, unknown>();

/** The definition of a machine as data: guards that are put together, and functions, are their names. */
function definitionOf(name: MachineName): unknown {
  const known = definitions.get(name);
  if (known !== undefined) return known;
  const definition: unknown = JSON.parse(JSON.stringify(machines[name].config, (_, value: unknown) => (typeof value === "function" ? nameOf(value) : value)));
  definitions.set(name, definition);
  return definition;
}

const nameOf = (item: { readonly name: string }): string => ("guards" in item ? named(item) : item.name);

function keepAlive(socket: WebSocket): void {
  let isThere = true;
  socket.on("pong", () => (isThere = true));
  socket.on("error", () => {});
  const asking = setInterval(() => {
    if (!isThere) return socket.terminate();
    isThere = false;
    socket.ping();
  }, pingMs).unref();
  socket.on("close", () => clearInterval(asking));
}
