/** What the operator's interface is, in OpenAPI 3.1. The router takes its paths from here: what is not described is not served. */
import { machines } from "../../machines/index.ts";
import { groupStates, seatStatuses } from "./views.ts";

/** Entries of one page of a list. */
export const pageLimits = { least: 1, default: 100, most: 1_000 } as const;

type Schema = Readonly<Record<string, unknown>>;

const text: Schema = { type: "string" };
const count: Schema = { type: "integer", minimum: 0 };
const yes: Schema = { type: "boolean" };
const time: Schema = { type: "string", format: "date-time" };
const list = (items: Schema, description?: string): Schema => ({ type: "array", items, ...(description && { description }) });
const orNull = ({ type, ...rest }: Schema, description: string): Schema => ({ type: [type, "null"], ...rest, description });
const ref = (name: string): Schema => ({ $ref: `#/components/schemas/${name}` });
const object = (properties: Readonly<Record<string, Schema>>, optional: readonly string[] = []): Schema => ({
  type: "object",
  properties,
  required: Object.keys(properties).filter((name) => !optional.includes(name)),
  additionalProperties: false,
});
/** A state as XState writes it: a name, or regions and what each is in. */
const state: Schema = { type: ["string", "object"], description: "a state's name, or each region's with what it is in" };
const typed: Schema = { type: "object", properties: { type: text }, required: ["type"] };
const machine: Schema = { type: "string", enum: Object.keys(machines) };
const wrote = (what: string): string => `${what}, as a peer wrote it: text, never markup`;

const summary = {
  id: text,
  number: { ...count, description: "the how-manieth of this server: `after` of the next page" },
  identity: { ...text, description: "the CPM Group Session Identity" },
  state: { type: "string", enum: groupStates },
  subject: orNull(text, wrote("the Subject")),
  closed: { ...yes, description: "nobody is added" },
  since: time,
  conversationId: text,
  contributionId: text,
  participants: { ...object(Object.fromEntries(seatStatuses.map((status) => [status, count]))), description: "how many seats are what to the group" },
  transfers: { ...count, description: "CPM File Transfers that run" },
};

const timers = list(object({ timer: { ...text, description: "the policy that says how long it is" }, leftMs: count }));

const schemas = {
  Problem: { ...object({ title: text, status: count, detail: text }), description: "RFC 9457" },
  Health: object({ status: { const: "alive" } }),
  Readiness: object({ status: { type: "string", enum: ["ready", "notReady"] }, reasons: list(text) }),
  GroupSummary: object(summary),
  GroupList: object({ groups: list(ref("GroupSummary")), total: { ...count, description: "groups that are here" }, next: orNull(count, "`after` of the next page; null: this is the last") }),
  Group: object({ ...summary, seats: list(ref("Seat"), "in the order in which they were given; the first is the creator's"), fileTransfers: list(ref("Transfer")), machines: list(ref("Machine"), "the group's own is the first") }, ["machines"]),
  Seat: object({
    seat: count,
    uri: text,
    name: orNull(text, wrote("the display name")),
    status: { type: "string", enum: seatStatuses },
    legs: { ...count, description: "dialogs that have not ended" },
    joiningMethod: { type: "string", enum: ["dialed-in", "dialed-out"] },
    lastStatus: orNull(count, "what the last invitation was refused with"),
    dialogs: list(object({ instance: { ...text, description: "of its group-participant machine" }, device: orNull(text, "+sip.instance"), bound: { ...yes, description: "an MSRP connection speaks for it" } })),
  }),
  Transfer: object({
    id: { ...text, description: "also the instance of its machines" },
    number: { ...count, description: "the how-manieth of this server: `after` of the next page" },
    group: text,
    state,
    since: time,
    sender: object({ seat: orNull(count, "null: a stranger to the group"), uri: text }),
    direction: { type: "string", enum: ["push", "pull"] },
    file: object({ name: orNull(text, wrote("the file's name")), type: orNull(text, wrote("its type")), octets: orNull(count, "as announced") }),
    receivedOctets: count,
    recipients: list(object({ uri: text, status: { type: "string", enum: ["waiting", "ringing", "ready", "excluded", "declined", "failed", "done"] } })),
  }),
  TransferList: object({ transfers: list(ref("Transfer")), total: { ...count, description: "transfers that run" }, next: orNull(count, "`after` of the next page; null: this is the last") }),
  Machine: object({ machine, instance: text, state, context: {}, over: yes, timers }),
  Step: {
    ...object(
      {
        kind: { const: "step" },
        number: { ...count, description: "rises; where it jumps, something else was looked at too" },
        at: { ...count, description: "milliseconds since the epoch" },
        machine,
        instance: text,
        input: { description: "what the machine began with: this is its first state" },
        event: { ...typed, description: "what made it step" },
        state,
        context: { description: "left out while it stays as it was" },
        effects: list(typed),
        timers: list(object({ change: { type: "string", enum: ["start", "stop"] }, timer: text }), "in order: a stop and a start is a move"),
        taken: list(object({ rule: { ...count, description: "its number in the printed pictures" }, from: text, event: text, branch: count }), "transitions, by the identifier of the state, the event, and their place among the guarded alternatives"),
        handled: yes,
        refusal: { description: "what an event that no transition takes was answered", oneOf: [{ type: "null" }, { type: "object", properties: { protocol: { type: "string", enum: ["sip", "msrp", "silence"] }, status: count, warning: text, grounds: { type: "object" } }, required: ["protocol", "grounds"], additionalProperties: false }] },
        over: yes,
      },
      ["input", "event", "context"],
    ),
    description: "data of the event `step`",
  },
  Timers: { ...object({ kind: { const: "timers" }, machine, instance: text, timers }), description: "data of the event `timers`: those of this machine that run from now on" },
  Dropped: { ...object({ seen: { ...count, description: "steps and timers that were not read fast enough" } }), description: "data of the event `dropped`" },
} satisfies Record<string, Schema>;

const inJson = (schema: string, description: string) => ({ description, content: { "application/json": { schema: ref(schema) } } });
const problems = { default: { description: "refused", content: { "application/problem+json": { schema: ref("Problem") } } } };
const inPath = (name: string, schema: Schema, description: string) => ({ name, in: "path", required: true, schema, description });
const inQuery = (name: string, schema: Schema, description: string) => ({ name, in: "query", schema, description });
const page = [
  inQuery("limit", { type: "integer", minimum: pageLimits.least, maximum: pageLimits.most, default: pageLimits.default }, "entries of the page at most"),
  inQuery("after", count, "the `next` of the page before"),
  inQuery("order", { type: "string", enum: ["oldest", "newest"], default: "oldest" }, "which come first"),
  inQuery("search", text, "those alone in which this stands, whatever the case: identifiers, the subject, names and URIs of participants; of a transfer also the file's name and type"),
];
const groupId = inPath("id", text, "the group's `id`");
const watched = { ...inQuery("group", text, "the `id` of the group that is looked at"), required: true };

const operation = (operationId: string, summary: string, responses: Readonly<Record<string, object>>, parameters: readonly object[] = []) => ({
  operationId,
  summary,
  ...(parameters.length > 0 && { parameters }),
  responses: { ...responses, ...problems },
});

/** By path and method. */
const paths = {
  "/": { get: operation("begin", "Leads to the live page.", { 307: { description: "to /live" } }) },
  "/live": { get: operation("live", "The live page: groups and transfers that run, and each with its statecharts, its ladder and its timers.", { 200: { description: "a page, which asks for everything else; it and the pictures want no token", content: { "text/html": { schema: text } } } }) },
  "/healthz": { get: operation("alive", "The process answers.", { 200: inJson("Health", "alive") }) },
  "/readyz": { get: operation("ready", "It listens, does not stop, and its spool can be written.", { 200: inJson("Readiness", "ready"), 503: inJson("Readiness", "not ready, and why") }) },
  "/metrics": { get: operation("metrics", "The metrics, for Prometheus.", { 200: { description: "text format 0.0.4", content: { "text/plain": { schema: text } } } }) },
  "/api/openapi.json": { get: operation("describe", "This document.", { 200: { description: "OpenAPI 3.1", content: { "application/json": { schema: { type: "object" } } } } }) },
  "/api/groups": {
    get: operation("listGroups", "CPM Group Sessions that are here.", { 200: inJson("GroupList", "one page") }, [...page, inQuery("state", { type: "string", enum: groupStates }, "those in this state alone")]),
  },
  "/api/groups/{id}": {
    get: operation("showGroup", "One group with its seats, transfers and machines.", { 200: inJson("Group", "the group") }, [groupId, inQuery("machines", { type: "string", enum: ["yes", "no"], default: "yes" }, "whether its machines are told")]),
    delete: operation("endGroup", "Ends the group: BYE with 410 Gone to everybody, and its transfers are broken off.", { 202: inJson("GroupSummary", "it ends") }, [groupId]),
  },
  "/api/groups/{id}/participants/{seat}": {
    delete: operation("removeParticipant", "Removes a member, who stays out: as a REFER with method=BYE, and asking no policy.", { 202: inJson("Seat", "removed; its dialogs end") }, [groupId, inPath("seat", count, "the participant's `seat`")]),
  },
  "/api/transfers": { get: operation("listTransfers", "CPM File Transfers that run.", { 200: inJson("TransferList", "one page") }, page) },
  "/api/inspect": {
    get: operation(
      "inspect",
      "The machines of one group as they run: server-sent events.",
      { 200: { description: "`snapshot` (a Group), then `step` (a Step) and `timers` (Timers); `dropped` (Dropped) and a new `snapshot` where the reader was too slow; `ended`", content: { "text/event-stream": { schema: text } } } },
      [watched],
    ),
  },
  "/api/inspect/stately": {
    get: operation("inspectWithStately", "The same over a WebSocket, in the protocol of @statelyai/inspect.", { 101: { description: "the WebSocket" } }, [watched]),
  },
} as const;

export type Paths = typeof paths;

/** `version`: of the server. */
export const describe = (version: string) => ({
  openapi: "3.1.0",
  info: { title: "CPM Controlling Function: operation", version, description: "Everything but /healthz, /readyz, the live page and the printed pictures below /diagrams/ wants the admin token, where there is one: as a Bearer token, or as the password of Basic." },
  security: [{}, { bearer: [] }, { basic: [] }],
  paths,
  components: { schemas, securitySchemes: { bearer: { type: "http", scheme: "bearer" }, basic: { type: "http", scheme: "basic" } } },
});
