import type { ConferenceEndpoint, ConferenceInfo, ConferenceUser, DisconnectionMethod, EndpointStatus } from "../body/conference-info.ts";

/** A Participant as the conference event package tells of it. */
export interface RosterEntry {
  readonly uri: string;
  /** Connected where one device is. */
  readonly status: EndpointStatus | undefined;
  readonly disconnectionMethod: DisconnectionMethod | undefined;
  readonly disconnectionReason: string | undefined;
}

/** The participant information, put together from full and partial notifications. @see RFC 4575 §4.6 */
export class Roster {
  readonly #users = new Map<string, ConferenceUser>();
  #version: number | undefined;
  #subject: string | undefined;

  get version(): number | undefined {
    return this.#version;
  }

  get subject(): string | undefined {
    return this.#subject;
  }

  get entries(): readonly RosterEntry[] {
    return [...this.#users.values()].map(entryOf);
  }

  find(uri: string): RosterEntry | undefined {
    const user = this.#users.get(uri);
    return user && entryOf(user);
  }

  /** Whether exactly these are connected. */
  hasConnected(...uris: string[]): boolean {
    const connected = this.entries.filter(({ status }) => status === "connected").map(({ uri }) => uri);
    return connected.length === uris.length && uris.every((uri) => connected.includes(uri));
  }

  /**
   * Takes a notification.
   *
   * `stale`: older than what is known, ignored. `gap`: one before it is missing,
   * so that the whole has to be asked for again.
   */
  apply(info: ConferenceInfo): "applied" | "stale" | "gap" {
    const known = this.#version;
    if (known !== undefined && info.version <= known) return "stale";
    if (info.state === "partial" && info.version !== (known ?? -1) + 1) return "gap";
    this.#version = info.version;
    if (info.state === "full") this.#users.clear();
    if (info.subject !== undefined) this.#subject = info.subject;
    for (const user of info.users) this.#change(user);
    return "applied";
  }

  #change(user: ConferenceUser): void {
    const known = this.#users.get(user.entity);
    if (user.state === "deleted") this.#users.delete(user.entity);
    else if (user.state === "partial" && known) this.#users.set(user.entity, { ...known, ...user, endpoints: merged(known.endpoints, user.endpoints) });
    else this.#users.set(user.entity, user);
  }
}

function merged(known: readonly ConferenceEndpoint[], changes: readonly ConferenceEndpoint[]): ConferenceEndpoint[] {
  const endpoints = new Map(known.map((endpoint) => [endpoint.entity, endpoint]));
  for (const change of changes) {
    if (change.state === "deleted") endpoints.delete(change.entity);
    else endpoints.set(change.entity, change.state === "partial" ? { ...endpoints.get(change.entity), ...change } : change);
  }
  return [...endpoints.values()];
}

function entryOf({ entity, endpoints }: ConferenceUser): RosterEntry {
  const endpoint = endpoints.find(({ status }) => status === "connected") ?? endpoints.at(-1);
  return { uri: entity, status: endpoint?.status, disconnectionMethod: endpoint?.disconnectionMethod, disconnectionReason: endpoint?.disconnectionReason };
}
