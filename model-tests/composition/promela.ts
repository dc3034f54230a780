/**
 * The composition once more, for Spin: clients, ways, budgets, timers and what is asserted are Promela; what the server does is a
 * table, made by running its machines. One move is one `d_step`, so Spin stores what we store and counts what we count.
 */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Exploration } from "./checker.ts";
import type { Budget, Composition } from "./composition.ts";
import { messageOf, messages, msrpDown, msrpUp, nameOf, numberOf, sipDown, sipUp, type Dialog, type Phase, type Way } from "./wiring.ts";

/** A model that Spin takes, and the tables that it includes. */
export interface PromelaModel {
  readonly model: string;
  readonly tables: string;
}

const phases: readonly Phase[] = ["none", "calling", "offered", "open", "cancelling", "ending"];
/** For C: answers, which may follow a BYE. */
const answers = ["200 INVITE", "refused INVITE", "200 re-INVITE", "488 re-INVITE", "491 re-INVITE", "481 re-INVITE", "200 BYE", "481 BYE", "202 REFER", "refused REFER"] as const;

/**
 * What Spin is to explore. `explored` has seen every state without folding, so every turn of the server is in its tables; a state
 * that only Spin reaches asks for a turn that is not there, and that is asserted never to happen.
 */
export function promelaOf({ composition }: Exploration): PromelaModel {
  return { model: new Promela(composition).model(), tables: tablesOf(composition) };
}

// ---------------------------------------------------------------- the model

class Promela {
  readonly #of: Composition;
  readonly #dialogs: readonly Dialog[];
  readonly #budgets: readonly Budget[];

  constructor(composition: Composition) {
    if (composition.scenario.mishaps?.length) throw new RangeError("a bad network is not exported");
    this.#of = composition;
    this.#dialogs = composition.scenario.dialogs;
    this.#budgets = composition.scenario.budgets;
  }

  model(): string {
    const { scenario } = this.#of;
    const ways = 4 * this.#dialogs.length;
    return [
      `/* ${scenario.name} */`,
      `c_decl { \\#include "tables.h" }`,
      `chan way[${ways}] = [${scenario.capacity}] of { byte };`,
      `int server = ${this.#of.initial[0]};`,
      ...this.#dialogs.map(({ kind }, index) => `byte client_${index} = ${this.#of.clients.first(kind)};`),
      ...this.#budgets.map(({ of, count }, index) => `byte left_${index} = ${count}; /* ${of.join(", ")} */`),
      `hidden int stimulus;`,
      `hidden int vacant;`,
      `hidden byte message;`,
      `hidden byte how_many;`,
      `hidden byte nth;`,
      `hidden byte its_way;`,
      ``,
      `/* Says ${"`m`"} on way ${"`w`"}: there is room, or the model is wrong. */`,
      `inline say(w, m) { assert(nfull(way[w])); way[w]!m }`,
      ``,
      `/* Dialogs on which nothing goes on: a call may use them. */`,
      `inline see_who_is_free() {`,
      `  vacant = 0;`,
      ...this.#dialogs.map((_, index) => `  vacant = vacant + (${this.#isIdle(index)} -> ${1 << index} : 0);`),
      `}`,
      ``,
      `/* The server takes the stimulus: the table says what comes of it. */`,
      `inline turn() {`,
      `  see_who_is_free();`,
      `  c_code { take(now.server, stimulus, vacant); };`,
      `  assert(c_expr { is_known });`,
      `  assert(c_expr { is_lawful });`,
      `  c_code { now.server = next_server; how_many = said_count; nth = 0; };`,
      `  do`,
      `  :: nth < how_many -> c_code { its_way = said_way[nth]; message = said_message[nth]; }; say(its_way, message); nth++`,
      `  :: else -> break`,
      `  od;`,
      `  nth = 0`,
      `}`,
      ``,
      ...this.#dialogs.flatMap((dialog, index) => this.#client(dialog, index)),
      ...this.#server(),
      ...this.#timers(),
      ...this.#operator(),
      `#define isOver (${[`c_expr { over_of[now.server] }`, ...this.#dialogs.map((_, index) => this.#isIdle(index))].join(" && ")})`,
      `#ifdef LIVENESS`,
      `/* What must not be: something has begun, and is never over. */`,
      `never { do :: true :: !isOver -> break od; accept: do :: !isOver od }`,
      `#else`,
      `/* Nothing can happen any more: then everything is over. */`,
      `active proctype End() { end: do :: d_step { timeout && !isOver -> assert(false) } od }`,
      `#endif`,
      ``,
    ].join("\n");
  }

  #way(dialog: number, way: Way): string {
    return `way[${4 * dialog + way}]`;
  }

  #isIdle(dialog: number): string {
    const idle = this.#of.clients.first(this.#dialogs[dialog]!.kind);
    return `(client_${dialog} == ${idle} && ${[sipUp, sipDown, msrpUp, msrpDown].map((way) => `len(${this.#way(dialog, way)}) == 0`).join(" && ")})`;
  }

  #client(dialog: Dialog, index: number): string[] {
    const { clients } = this.#of;
    const locals = clients.all(dialog.kind, dialog.acts);
    const rows = (event: string, heard: readonly string[] = []) =>
      locals.flatMap((local) => {
        const done = clients.step(dialog.kind, local, event);
        if (done === undefined) return [];
        const said = done.said.map(({ way, message }) => `say(${4 * index + way}, ${message} /* ${messageOf(message)} */)`);
        return [`:: ${[...heard, `client_${index} == ${local}`].join(" && ")} -> ${[`client_${index} = ${done.to}`, ...said].join("; ")}`];
      });
    const hears = (way: Way) => {
      const taken = messages.flatMap((message) => rows(message, [`message == ${numberOf(message)}`]));
      return [
        `  :: d_step { nempty(${this.#way(index, way)}) -> ${this.#way(index, way)}?message;`,
        `     if`,
        ...taken.map((row) => `     ${row}`),
        `     :: else -> assert(false) /* unspecified reception */`,
        `     fi }`,
      ];
    };
    const acts = dialog.acts.flatMap((act) => {
      const states = locals.filter((local) => clients.step(dialog.kind, local, `act.${act}`) !== undefined);
      if (states.length === 0) return [];
      const budget = this.#budgetOf(act);
      const begins = ["create", "join", "offer"].includes(act) ? [this.#isIdle(index), `c_expr { phase_of[now.server][${index}] == 0 }`] : [];
      const guard = [`(${states.map((local) => `client_${index} == ${local}`).join(" || ")})`, ...budget.guard, ...begins].join(" && ");
      return [`  :: d_step { ${guard} -> /* ${act} */ ${budget.spend} if ${rows(`act.${act}`).join(" ")} fi }`];
    });
    return [
      `active proctype ${nameOf(dialog).replace(/\W+/g, "_")}() {`,
      `end: do`,
      ...acts,
      ...hears(sipDown),
      ...hears(msrpDown),
      `  od`,
      `}`,
      ``,
    ];
  }

  #budgetOf(name: string): { readonly guard: readonly string[]; readonly spend: string } {
    const budget = this.#budgets.findIndex(({ of }) => (of as readonly string[]).includes(name));
    return budget < 0 ? { guard: [], spend: "" } : { guard: [`left_${budget} > 0`], spend: `left_${budget}--;` };
  }

  #server(): string[] {
    const arrivals = this.#dialogs.flatMap((dialog, index) => [
      `  :: d_step { nempty(${this.#way(index, sipUp)}) -> ${this.#way(index, sipUp)}?message; stimulus = ${this.#of.stimulusOf(index, 0)} + message; turn() } /* ${nameOf(dialog)} */`,
      `  :: d_step { nempty(${this.#way(index, msrpUp)}) && c_expr { reads[phase_of[now.server][${index}]] } -> ${this.#way(index, msrpUp)}?message; stimulus = ${this.#of.stimulusOf(index, 0)} + message; turn() }`,
    ]);
    return [
      `active proctype Server() {`,
      `end: do`,
      ...arrivals,
      ...this.#dialogs.map((_, index) => `  :: d_step { empty(${this.#way(index, sipUp)}) && empty(${this.#way(index, sipDown)}) && !(${this.#agrees(index)}) -> assert(false) } /* the ends disagree */`),
      `  od`,
      `}`,
      ``,
    ];
  }

  /** While nothing is under way both ends agree whether there is a dialog. */
  #agrees(index: number): string {
    const { clients } = this.#of;
    const { kind, acts } = this.#dialogs[index]!;
    const tagged = (tag: "idle" | "ringing" | "calling" | "open") => clients.all(kind, acts).filter((local) => clients.is(local, tag));
    const together = [["none", "idle"], ["calling", "ringing"], ["offered", "calling"], ["open", "open"]] as const;
    const pairs = together.flatMap(([phase, tag]) => {
      const locals = tagged(tag);
      return locals.length === 0 ? [] : [`(c_expr { phase_of[now.server][${index}] == ${phases.indexOf(phase)} } && (${locals.map((local) => `client_${index} == ${local}`).join(" || ")}))`];
    });
    return pairs.join(" || ");
  }

  #timers(): string[] {
    const kinds = new Map<string, { readonly stimulus: number; readonly dialog: number; readonly patience: readonly Way[]; readonly budget: number }>();
    for (const { timers } of this.#of.servers.items) for (const timer of timers) kinds.set(`${timer.stimulus} ${timer.dialog}`, timer);
    const options = [...kinds.values()].map(({ stimulus, dialog, patience, budget }) => {
      const quiet = patience.map((way) => `empty(${this.#way(dialog, way)})`);
      const guard = [`c_expr { runs[now.server][${stimulus}] }`, ...quiet, ...(budget < 0 ? [] : [`left_${budget} > 0`])].join(" && ");
      return `  :: d_step { ${guard} -> ${budget < 0 ? "" : `left_${budget}--;`} stimulus = ${this.#of.spontaneousStimulus(stimulus)}; turn() } /* ${this.#of.toldSpontaneous(stimulus)} */`;
    });
    return options.length === 0 ? [] : [`active proctype Timers() {`, `end: do`, ...options, `  od`, `}`, ``];
  }

  #operator(): string[] {
    const kinds = new Map<number, number>();
    for (const { operator } of this.#of.servers.items) for (const { stimulus, budget } of operator) kinds.set(stimulus, budget);
    const options = [...kinds].map(([stimulus, budget]) => {
      const guard = [`c_expr { runs[now.server][${stimulus}] }`, ...(budget < 0 ? [] : [`left_${budget} > 0`])].join(" && ");
      return `  :: d_step { ${guard} -> ${budget < 0 ? "" : `left_${budget}--;`} stimulus = ${this.#of.spontaneousStimulus(stimulus)}; turn() } /* ${this.#of.toldSpontaneous(stimulus)} */`;
    });
    return options.length === 0 ? [] : [`active proctype Operator() {`, `end: do`, ...options, `  od`, `}`, ``];
  }
}

// ---------------------------------------------------------------- the tables

const cases = (values: readonly number[]) => values.join(",");

/** What the server does, as C: a row a turn, a view a server. */
function tablesOf(composition: Composition): string {
  const { scenario, servers, turns, functions } = composition;
  const { dialogs } = scenario;
  const said: number[] = [];
  const rows = turns.map(({ of, to, heard, fault }) => {
    const at = said.length;
    for (const { dialog, way, message } of heard) said.push(4 * dialog + way, numberOf(message as never));
    return `{${of.server},${of.stimulus},${of.free},${to},${at},${heard.length},${fault?.says.startsWith("unspecified") ? 1 : 0}}`;
  });
  const idle = new Set(turns.filter((turn) => turn.idle).map(({ of }) => `${of.server} ${of.stimulus}`));
  const views = servers.items.map((view) => {
    const seats = (functions.snapshotOf(view.server.instances.get("group")!).context as { seats: readonly { status: string }[] }).seats;
    const members = seats.reduce((bits, { status }, seat) => bits | (["invited", "connected", "away"].includes(status) ? 1 << seat : 0), 0);
    const legs = [...view.server.instances.values()].filter(({ machine }) => machine === "group-participant").length;
    const isClosed = functions.snapshotOf(view.server.instances.get("group")!).status !== "active";
    return { view, members, legs, isClosed };
  });
  const spontaneous = composition.spontaneousCount;
  const runs = servers.items.map(({ timers, operator }, server) => {
    const bits = Array.from({ length: spontaneous }, () => 0);
    for (const { stimulus } of [...timers, ...operator]) bits[stimulus] = idle.has(`${server} ${composition.spontaneousStimulus(stimulus)}`) ? 0 : 1;
    return `{${cases(bits)}}`;
  });
  return `
#define SERVERS ${servers.items.length}
#define DIALOGS ${dialogs.length}
#define ROWS ${rows.length}
#define MESSAGES ${messages.length + 1}
#define SPONTANEOUS ${composition.spontaneousStimulus(0)}

/* server, stimulus, who is free (-1: whoever), next server, what is said from where and how much, refuses what it should take */
static const int rows[ROWS][7] = {
${rows.join(",\n")}
};
/* way, message */
static const unsigned char said[] = {${cases(said.length > 0 ? said : [0])}};
static const unsigned char over_of[SERVERS] = {${cases(views.map(({ view }) => (view.over ? 1 : 0)))}};
static const unsigned char closed_of[SERVERS] = {${cases(views.map(({ isClosed }) => (isClosed ? 1 : 0)))}};
static const unsigned char legs_of[SERVERS] = {${cases(views.map(({ legs }) => legs))}};
static const unsigned short members_of[SERVERS] = {${cases(views.map(({ members }) => members))}};
/* ${phases.map((phase, index) => `${index} ${phase}`).join(", ")} */
static const unsigned char phase_of[SERVERS][DIALOGS] = {
${views.map(({ view }) => `{${cases(view.phases.map((phase) => phases.indexOf(phase)))}}`).join(",\n")}
};
/* Timers and acts of the operator that change something. */
static const unsigned char runs[SERVERS][${Math.max(spontaneous, 1)}] = {
${runs.join(",\n")}
};
static const unsigned char seat_of[DIALOGS] = {${cases(dialogs.map(({ seat }) => seat))}};
static const unsigned char is_answer[MESSAGES] = {${cases(["", ...messages].map((message) => ((answers as readonly string[]).includes(message) ? 1 : 0)))}};
/* By phase: MSRP that comes before the answer waits for it. */
static const unsigned char reads[] = {${cases(phases.map((phase) => (["calling", "offered", "cancelling"].includes(phase) ? 0 : 1)))}};
static const int is_closed_group = ${scenario.policy.group.closed ? 1 : 0};

/* Open addressing: the rows by server and stimulus, and by who is free where that matters. */
#define SLOTS ${2 ** Math.ceil(Math.log2(4 * Math.max(rows.length, 1)))}
static int slots[SLOTS];
static int placed[SLOTS];
static int is_indexed = 0;
static unsigned hash(int a, int b, int c) { unsigned h = (unsigned)a * 2654435761u ^ (unsigned)b * 2246822519u ^ (unsigned)c * 3266489917u; return (h ^ h >> 15) & (SLOTS - 1); }
static int row_of(int server, int stimulus, int free_ones) {
  unsigned at;
  if (!is_indexed) {
    int row;
    is_indexed = 1;
    for (row = 0; row < ROWS; row++) {
      at = hash(rows[row][0], rows[row][1], rows[row][2]);
      while (slots[at]) at = (at + 1) & (SLOTS - 1);
      slots[at] = row + 1;
      if (rows[row][2] >= 0) {
        at = hash(rows[row][0], rows[row][1], 0);
        while (placed[at]) at = (at + 1) & (SLOTS - 1);
        placed[at] = row + 1;
      }
    }
  }
  for (at = hash(server, stimulus, free_ones); slots[at]; at = (at + 1) & (SLOTS - 1)) {
    const int *row = rows[slots[at] - 1];
    if (row[0] == server && row[1] == stimulus && row[2] == free_ones) return slots[at] - 1;
  }
  return -1;
}
static int asks_for_place(int server, int stimulus) {
  unsigned at;
  row_of(server, stimulus, -1);
  for (at = hash(server, stimulus, 0); placed[at]; at = (at + 1) & (SLOTS - 1))
    if (rows[placed[at] - 1][0] == server && rows[placed[at] - 1][1] == stimulus) return 1;
  return 0;
}
static int is_known, is_lawful, next_server, said_count;
static const unsigned char *said_from;
static unsigned char said_way[64], said_message[64];

/* What the sentences say, once more and of numbers. */
static int lawful(const int *row) {
  int server = row[0], next = row[3], each, acknowledged = 0;
  int arrival = row[1] < SPONTANEOUS ? row[1] / MESSAGES : -1, heard = row[1] < SPONTANEOUS ? row[1] % MESSAGES : 0;
  int is_2xx = heard == ${numberOf("200")} || heard == ${numberOf("200 unwrapped")} || heard == ${numberOf("200 other types")};
  if (row[6]) return 0;
  for (each = 0; each < row[5]; each++) {
    int way = said[row[4] + 2 * each], message = said[row[4] + 2 * each + 1], dialog = way / 4;
    /* Nobody outside the group gets a message, and no sender its own. */
    if (message == ${numberOf("message")} && way % 4 == ${msrpDown} && (arrival < 0 || seat_of[dialog] == seat_of[arrival] || !(members_of[next] >> seat_of[dialog] & 1))) return 0;
    /* After BYE only answers. */
    if (way % 4 == ${sipDown} && phase_of[server][dialog] == ${phases.indexOf("ending")} && !is_answer[message] && message != ${numberOf("ACK")} && message != ${numberOf("INVITE")}) return 0;
    if (message == ${numberOf("ACK")} && dialog == arrival) acknowledged++;
  }
  if (acknowledged != is_2xx) return 0;
  /* A closed group never grows. */
  if (is_closed_group && members_of[server] && (members_of[next] & ~members_of[server])) return 0;
  /* No dialog is left when the group is closed. */
  return !closed_of[next] || legs_of[next] == 0;
}

static void take(int server, int stimulus, int free_ones) {
  int row = row_of(server, stimulus, asks_for_place(server, stimulus) ? free_ones : -1), each;
  is_known = row >= 0;
  if (!is_known) return;
  next_server = rows[row][3];
  said_count = rows[row][5];
  for (each = 0; each < said_count; each++) {
    said_way[each] = said[rows[row][4] + 2 * each];
    said_message[each] = said[rows[row][4] + 2 * each + 1];
  }
  is_lawful = lawful(rows[row]);
}
`;
}

// ---------------------------------------------------------------- running it

export interface SpinRun {
  readonly states: number;
  readonly transitions: number;
  readonly errors: number;
  /** What pan says is wrong, if anything. */
  readonly error: string | undefined;
  readonly seconds: number;
  readonly output: string;
}

export const isSpinInstalled = (): boolean => ["spin", "gcc"].every((program) => spawnSync(program, ["--version"]).error === undefined);

/** Compiles and runs the verifier: no partial-order reduction, no claim; or with `liveness`, whether everything is over one day if every process gets its turn. */
export function runSpin({ model, tables }: PromelaModel, { liveness = false, megabytes = 4096 }: { readonly liveness?: boolean; readonly megabytes?: number } = {}): SpinRun {
  const began = performance.now();
  const directory = mkdtempSync(join(tmpdir(), "cpm-spin-"));
  try {
    const run = (program: string, ...options: string[]) => {
      const { status, stdout, stderr, error } = spawnSync(program, options, { cwd: directory, encoding: "utf8", maxBuffer: 64 * 1024 * 1024 });
      if (error) throw error;
      return { status, said: `${stdout}${stderr}` };
    };
    writeFileSync(join(directory, "tables.h"), tables);
    writeFileSync(join(directory, "composition.pml"), model);
    const generated = run("spin", "-a", ...(liveness ? ["-DLIVENESS"] : []), "composition.pml");
    if (generated.status !== 0) throw new Error(`spin: ${generated.said}`);
    const compiled = run("gcc", "-O1", "-w", `-DMEMLIM=${megabytes}`, "-DNOREDUCE", "-DVECTORSZ=4096", ...(liveness ? ["-DNFAIR=3"] : ["-DSAFETY", "-DNOCLAIM"]), "-o", "pan", "pan.c");
    if (compiled.status !== 0) throw new Error(`gcc: ${compiled.said}`);
    const { said } = run("./pan", "-m2000000", "-w22", ...(liveness ? ["-a", "-f"] : []));
    const number = (pattern: RegExp): number => Number(pattern.exec(said)?.[1] ?? NaN);
    return {
      states: number(/^\s*(\d+) states, stored/m),
      transitions: number(/^\s*(\d+) transitions/m),
      errors: number(/errors: (\d+)/),
      error: /^pan:\d+: (.*?)( \(at depth.*)?$/m.exec(said)?.[1],
      seconds: (performance.now() - began) / 1000,
      output: said,
    };
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}
