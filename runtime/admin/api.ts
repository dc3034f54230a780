/** What each path of `openapi.ts` answers. */
import type { Registry } from "prom-client";
import type { Group } from "../sessions/group.ts";
import { SpoolFailed } from "../store/spool.ts";
import { json, problem, type Answer } from "./answer.ts";
import type { Server } from "./metrics.ts";
import { pageLimits, type Paths } from "./openapi.ts";
import { groupOf, groupStates, seatOf, stateOf, summaryOf, transferOf, type GroupState } from "./views.ts";
import { wordsOfGroup, wordsOfTransfer } from "./words.ts";

/** What a request asks for. */
export interface Asked {
  /** The values of the path's `{…}`. */
  readonly path: Readonly<Record<string, string>>;
  readonly query: URLSearchParams;
}

export type Route = (asked: Asked) => Answer | Promise<Answer>;

/** The paths that stream, and the page, are answered elsewhere. */
export type Api = { readonly [P in Exclude<keyof Paths, `/api/inspect${string}` | "/" | "/live">]: { readonly [M in keyof Paths[P]]: Route } };

export function apiOf(server: Server, metrics: Registry, description: object): Api {
  const { focus } = server;
  const described = json(description);
  const readiness = readinessOf(server);

  const ofGroup = (answer: (group: Group, asked: Asked) => Answer): Route => (asked) => {
    const group = focus.group(asked.path["id"]!);
    return group === undefined ? noGroup(asked.path["id"]!) : answer(group, asked);
  };

  return {
    "/healthz": { get: () => json({ status: "alive" }) },
    "/readyz": { get: async () => readinessAnswer(await readiness()) },
    "/metrics": { get: async () => ({ status: 200, type: metrics.contentType, body: await metrics.metrics() }) },
    "/api/openapi.json": { get: () => described },
    "/api/groups": {
      get: async ({ query }) => {
        const state = query.get("state");
        if (state !== null && !groupStates.includes(state as GroupState)) return problem({ status: 400, detail: `state is one of ${groupStates.join(", ")}` });
        const page = await pageOf(focus.groups, query, wordsOfGroup, (group) => state === null || stateOf(group) === state);
        return "refused" in page ? page.refused : json({ groups: page.entries.map(summaryOf), total: focus.groupCount, next: page.next });
      },
    },
    "/api/groups/{id}": {
      get: ofGroup((group, { query }) => {
        const machines = query.get("machines") ?? "yes";
        return machines === "yes" || machines === "no" ? json(groupOf(group, machines === "yes")) : problem({ status: 400, detail: "machines is yes or no" });
      }),
      delete: ofGroup((group) => {
        group.close();
        return json(summaryOf(group), 202);
      }),
    },
    "/api/groups/{id}/participants/{seat}": {
      delete: ofGroup((group, { path }) => {
        const seat = Number(path["seat"]);
        if (!/^\d{1,6}$/.test(path["seat"]!) || group.seats[seat] === undefined) return problem({ status: 404, detail: "nobody has that seat" });
        if (!group.remove(seat)) return problem({ status: 409, detail: "who has that seat is no member any more, or the group ends" });
        return json(seatOf(group, seat, group.seats[seat], group.legs), 202);
      }),
    },
    "/api/transfers": {
      get: async ({ query }) => {
        const page = await pageOf(focus.transfers, query, wordsOfTransfer, () => true);
        return "refused" in page ? page.refused : json({ transfers: page.entries.map(transferOf), total: focus.transfers.size, next: page.next });
      },
    },
  };
}

export const noGroup = (id: string): Answer => problem({ status: 404, detail: `there is no group ${JSON.stringify(id.slice(0, 80))}` });

// ---------------------------------------------------------------- lists

interface Numbered {
  readonly number: number;
}

interface Page<T> {
  readonly entries: readonly T[];
  readonly next: number | null;
}

/** Entries that are searched before everybody else has a turn. */
const searchedATurn = 1_000;

/** The entries behind `after`, at most `limit`, in whose words everything that is searched for stands; `all` comes in the order of the numbers. */
async function pageOf<T extends Numbered>(all: Iterable<T>, query: URLSearchParams, words: (of: T) => Iterable<string>, isAsked: (one: T) => boolean): Promise<Page<T> | { readonly refused: Answer }> {
  const limit = wholeNumber(query.get("limit"), pageLimits.default, pageLimits.least, pageLimits.most);
  const order = query.get("order") ?? "oldest";
  const after = wholeNumber(query.get("after"), order === "oldest" ? 0 : Number.MAX_SAFE_INTEGER, 0, Number.MAX_SAFE_INTEGER);
  const search = (query.get("search") ?? "").toLowerCase();
  if (limit === undefined) return { refused: problem({ status: 400, detail: `limit is a whole number from ${pageLimits.least} to ${pageLimits.most}` }) };
  if (after === undefined) return { refused: problem({ status: 400, detail: "after is the `next` of the page before" }) };
  if (order !== "oldest" && order !== "newest") return { refused: problem({ status: 400, detail: "order is oldest or newest" }) };
  const entries: T[] = [];
  let searched = 0;
  for (const one of order === "oldest" ? all : [...all].reverse()) {
    if (order === "oldest" ? one.number <= after : one.number >= after) continue;
    if (search !== "" && ++searched % searchedATurn === 0) await new Promise((resolve) => setImmediate(resolve));
    if (!isAsked(one) || (search !== "" && !hasWord(words(one), search))) continue;
    // One more than the page holds is there: the list goes on.
    if (entries.length === limit) return { entries, next: entries.at(-1)!.number };
    entries.push(one);
  }
  return { entries, next: null };
}

function hasWord(words: Iterable<string>, search: string): boolean {
  for (const word of words) if (word.toLowerCase().includes(search)) return true;
  return false;
}

function wholeNumber(text: string | null, byDefault: number, least: number, most: number): number | undefined {
  if (text === null) return byDefault;
  const number = /^\d{1,16}$/.test(text) ? Number(text) : Number.NaN;
  return number >= least && number <= most ? number : undefined;
}

// ---------------------------------------------------------------- readiness

/** Why the server should get no new traffic; empty: it should. Those who ask at the same time get the same answer. */
function readinessOf({ focus, spool, sip }: Server): () => Promise<readonly string[]> {
  let probe: Promise<readonly string[]> | undefined;
  const look = async (): Promise<readonly string[]> => {
    const disk = await faultOf(spool);
    return [...(focus.stopping ? ["the server stops"] : []), ...(sip.listeners.length > 0 ? [] : ["SIP does not listen"]), ...(disk === undefined ? [] : [`the spool cannot be written: ${disk}`])];
  };
  return () => (probe ??= look().finally(() => (probe = undefined)));
}

/** What one spooled octet meets. Our own limits are no fault of the disk: chat goes on, and so do the transfers that run. */
async function faultOf(spool: Server["spool"]): Promise<string | undefined> {
  try {
    const file = await spool.create(1);
    try {
      await file.append([Buffer.alloc(1)]);
    } finally {
      await file.close();
    }
    return undefined;
  } catch (fault) {
    if (fault instanceof SpoolFailed) return fault.fault === "quota" ? undefined : fault.message;
    return (fault as Error).message;
  }
}

const readinessAnswer = (reasons: readonly string[]): Answer => json({ status: reasons.length === 0 ? "ready" : "notReady", reasons }, reasons.length === 0 ? 200 : 503);
