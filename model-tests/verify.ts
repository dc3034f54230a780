/**
 * The evidence, for who writes the specification: `npm run verify -- --help`.
 *
 * The last line is the result; the exit code is 0 when nothing is wrong, 1 when something is, 2 for a command that is not one.
 */
import { parseArgs } from "node:util";
import { machines, type MachineName } from "../machines/index.ts";
import { compositionRows, toldRow } from "./composition/evidence.ts";
import { compositionTable, inMarkdown, machineTable, writeReadme } from "./evidence-table.ts";
import { mutationOf, score, toldReport } from "./mutation/score.ts";
import { failureOf } from "./replay.ts";
import { driverSubject, run } from "./subject.ts";
import { toursOf, type Criterion } from "./tours.ts";
import { checkTrace, describeDeviation, isDeviation, linesOf } from "./trace.ts";
import { broadClauses, brokenRules, relation, rules, toldRelation } from "./traceability.ts";

const help = `npm run verify -- [OPTION]

  --table          one row a machine: what there is, what is walked, what is killed (this is what runs without an option)
  --write          with --table: put it into README.md
  --clauses        clause ↔ transitions ↔ tours ↔ tests on the wire ↔ flows ↔ invariants, both ways, and the rules they keep
  --json           with --clauses: the same as JSON
  --trace FILE     replay a live trace (npm start -- --trace FILE): the first line that is not a step of the model
  --all            every criterion of tours, all mutants, the composition; prints as it goes
  --machine NAME   of that machine alone, without the tours on the wire and the compositions, which are of all together:
                   ${Object.keys(machines).join(", ")}
  --help           this`;

/** What was found: the last line, and whether all is well. */
interface Result {
  readonly says: string;
  readonly isWell: boolean;
}

const isAll = (of: readonly MachineName[]): boolean => of.length === Object.keys(machines).length;
const seconds = (began: number): string => `${((performance.now() - began) / 1000).toFixed(1)} s`;
const counted = (count: number, what: string): string => `${count.toLocaleString("en")} ${what}${count === 1 ? "" : "s"}`;

// ---------------------------------------------------------------- --table

function table(of: readonly MachineName[], write: boolean): Result {
  const began = performance.now();
  const tell = ([name = "", ...cells]: readonly string[]) => console.error(`${name}: ${cells.at(-1)} s`);
  const whole = isAll(of);
  const tables = [machineTable(of, tell), ...(whole ? [compositionTable(tell)] : [])];
  console.log(tables.map(inMarkdown).join("\n\n"));
  if (write) writeReadme(tables);
  return { says: `${counted(of.length, "machine")}${whole ? ` and ${counted(tables[1]!.rows.length, "composition")}` : ""} in ${seconds(began)}`, isWell: true };
}

// ---------------------------------------------------------------- --clauses

function clauses(of: readonly MachineName[], json: boolean): Result {
  const made = relation(of, { wireTours: isAll(of) });
  const broken = brokenRules();
  if (json) console.log(JSON.stringify({ ...made, broken }, undefined, 1));
  else {
    const broad = broadClauses().filter(({ machine }) => of.includes(machine)).map(({ machine, clause, transitions, of: all, reason }) => `${clause} grounds ${transitions} of the ${all} transitions of ${machine}: ${reason ?? "no reason is given"}`);
    for (const line of [...toldRelation(made), ...broad, ...broken]) console.log(line);
  }
  const says = `${counted(made.clauses.length, "clause")}, ${counted(made.transitions.length, "transition")}, ${counted(Object.keys(rules).length, "rule")}, ${broken.length} broken`;
  return { says: json ? "" : says, isWell: broken.length === 0 };
}

// ---------------------------------------------------------------- --trace

function trace(file: string): Result {
  let verdict;
  try {
    verdict = checkTrace(linesOf(file));
  } catch (fault) {
    return { says: `${file} cannot be read: ${(fault as NodeJS.ErrnoException).code ?? String(fault)}`, isWell: false };
  }
  if (isDeviation(verdict)) return { says: `${file}: ${describeDeviation(verdict)}`, isWell: false };
  if (verdict.lines === 0) return { says: `${file} has no lines: nothing was checked`, isWell: false };
  return { says: `${counted(verdict.lines, "line")} of ${counted(verdict.instances, "instance")}, all of them steps of the model: ${verdict.machines.join(", ")}`, isWell: true };
}

// ---------------------------------------------------------------- --all

/** Of the mutants that can be told; and of all. */
const [leastKilled, mostAlike] = [0.995, 0.05];

/** Of each input of a machine. */
const randomSteps = 10_000;
const criteria: readonly Criterion[] = ["recommended", "0-switch", "1-switch", "all-edges", "random"];

function all(of: readonly MachineName[]): Result {
  const began = performance.now();
  const wrong: string[] = [];
  let checked = 0;
  const tell = (what: string, faults: readonly string[]): void => {
    checked += 1;
    wrong.push(...faults);
    console.log([`${faults.length === 0 ? "ok    " : "wrong "} ${what}`, ...faults.map((fault) => `       ${fault}`)].join("\n"));
  };

  for (const name of of) {
    for (const criterion of criteria) {
      const since = performance.now();
      const tours = toursOf(name, criterion, criterion === "random" ? { budget: randomSteps } : {});
      const steps = tours.reduce((total, tour) => total + tour.steps.length, 0);
      const begin = driverSubject(name);
      const faults = tours.filter((tour) => run(tour, begin) !== undefined).map((tour) => failureOf(tour, begin));
      tell(`${name}: ${counted(tours.length, "tour")} ${criterion}, ${counted(steps, "step")}, ${seconds(since)}`, faults);
    }
    const report = mutationOf(name, { sentences: true });
    tell(toldReport(report), [
      ...(score(report) < leastKilled ? [`${name}: less than ${100 * leastKilled} % of its mutants are killed`] : []),
      ...(report.equivalent.length + report.timed.length > mostAlike * report.mutants ? [`${name}: more than ${100 * mostAlike} % of its mutants cannot be killed: its world is too poor, or its rules are too many`] : []),
    ]);
    for (const { mutant } of report.timed) console.log(`       only who has a clock can tell ${mutant.id}`);
    for (const { id } of report.equivalent) console.log(`       no peer can tell ${id}`);
  }
  if (isAll(of)) {
    compositionRows({ large: true, told: (row) => tell(toldRow(row), row.findings) });
  }
  return { says: `${checked} checked, ${wrong.length} wrong, ${seconds(began)}`, isWell: wrong.length === 0 };
}

// ---------------------------------------------------------------- the command line

class NoCommand extends Error {}

function obey(words: readonly string[]): Result {
  const { values } = read(words);
  if (values.help) return { says: help, isWell: true };
  const commands = (["table", "clauses", "trace", "all"] as const).filter((name) => values[name] !== undefined);
  if (commands.length > 1) throw new NoCommand(`one of ${commands.map((name) => `--${name}`).join(" and ")} at a time`);
  const command = commands[0] ?? "table";
  if (values.write && (command !== "table" || values.machine !== undefined)) throw new NoCommand("--write goes with --table of all machines");
  if (values.json && command !== "clauses") throw new NoCommand("--json goes with --clauses");
  if (values.machine !== undefined && !Object.hasOwn(machines, values.machine)) throw new NoCommand(`no machine is called ${values.machine}; there are: ${Object.keys(machines).join(", ")}`);
  const of = values.machine === undefined ? (Object.keys(machines) as MachineName[]) : [values.machine as MachineName];
  switch (command) {
    case "table":
      return table(of, values.write ?? false);
    case "clauses":
      return clauses(of, values.json ?? false);
    case "trace":
      return trace(values.trace!);
    case "all":
      return all(of);
  }
}

function read(words: readonly string[]) {
  const flag = { type: "boolean" } as const;
  const word = { type: "string" } as const;
  try {
    return parseArgs({ args: [...words], options: { table: flag, write: flag, clauses: flag, json: flag, trace: word, all: flag, machine: word, help: flag } });
  } catch (fault) {
    throw new NoCommand(String((fault as Error).message).split(/[.\n]/, 1)[0]);
  }
}

try {
  const { says, isWell } = obey(process.argv.slice(2));
  if (says !== "") console.log(says);
  process.exitCode = isWell ? 0 : 1;
} catch (fault) {
  if (!(fault instanceof NoCommand)) throw fault;
  console.error(`verify: ${fault.message}`);
  process.exitCode = 2;
}
