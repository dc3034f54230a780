/**
 * Every line of a live trace is a step of the model: the demo's is replayed, and what is no trace is told in words, with its line.
 *
 * The traces of the tests on the wire are judged when their file has ended, by `live-traces.ts`.
 */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { machines } from "../machines/index.ts";
import type { TraceLine } from "../runtime/trace.ts";
import { checkTrace, describeDeviation, isDeviation, linesOf, type Deviation } from "./trace.ts";

const folder = mkdtempSync(join(tmpdir(), "cpm-trace-"));
afterAll(() => rmSync(folder, { recursive: true }));

describe("the demo", () => {
  const file = join(folder, "demo.ndjson");
  let lines: string[];

  beforeAll(() => {
    const demo = spawnSync(process.execPath, ["runtime/client/demo.ts", "--quiet", "--keep-trace", file], { encoding: "utf8" });
    expect(demo.status, demo.stdout + demo.stderr).toBe(0);
    lines = readFileSync(file, "utf8").trimEnd().split("\n");
  }, 60_000);

  test("its trace replays without a difference, and every machine is in it", () => {
    const verdict = checkTrace(linesOf(file));
    expect(isDeviation(verdict) ? describeDeviation(verdict) : verdict).toMatchObject({ lines: lines.length, machines: Object.keys(machines) });
  });

  test("a line that is changed anywhere is found there: another state, an effect more, a refusal that was not, an event that was lost", () => {
    const tampered = (at: number, change: (line: Record<string, unknown>) => void) => {
      const line = JSON.parse(lines[at]!) as Record<string, unknown>;
      change(line);
      return checkTrace(lines.with(at, JSON.stringify(line)));
    };
    for (const at of lines.keys()) {
      expect(tampered(at, (line) => (line["state"] = "elsewhere"))).toMatchObject({ line: at + 1, got: "elsewhere" });
      expect(tampered(at, (line) => (line["effects"] as unknown[]).push({ type: "release", seats: [] }))).toMatchObject({ line: at + 1, why: expect.stringContaining("other effects") as string });
      expect(tampered(at, (line) => (line["refusal"] = line["refusal"] === undefined ? { protocol: "sip", status: 500 } : undefined))).toMatchObject({ line: at + 1, why: expect.stringContaining("another refusal") as string });
    }
    const isBirth = (text: string) => (JSON.parse(text) as TraceLine).event === undefined;
    const first = lines.findIndex(isBirth);
    const { machine, of, instance } = JSON.parse(lines[first]!) as TraceLine;
    expect(checkTrace(lines.toSpliced(first, 1))).toMatchObject({ why: expect.stringContaining(`${machine} ${of} ${instance} gets`) as string });
  });
});

describe("what is no trace", () => {
  const born = '{"at":0,"of":"a","machine":"group-participant","instance":"1","state":"new","effects":[]}';
  const line = (fields: object) => JSON.stringify({ at: 0, of: "a", machine: "group-participant", instance: "1", state: "new", effects: [], ...fields });
  const cases: readonly [string, readonly string[], number, RegExp][] = [
    ["a line that is not JSON", ["MSRP d93kswow SEND", born], 1, /^it is not JSON: MSRP d93kswow SEND$/],
    ["an empty line", [born, "", born], 2, /^it is not JSON: $/],
    ["a last line that is cut off", [born, born.slice(0, 40)], 2, /^it is the last and cut off/],
    ["JSON that is no object", [born, "[1,2]"], 2, /^it is no line of a trace: \[1,2\]$/],
    ["null", ["null"], 1, /^it is no line of a trace: null$/],
    ["a line without a machine", ['{"of":"a","instance":"1"}'], 1, /^it has no machine$/],
    ["a line whose instance is a number", [line({ instance: 1 })], 1, /^it has no instance$/],
    ["a machine that nobody knows", [line({ machine: "toString" })], 1, /^no machine is called toString$/],
    ["an event before the instance has begun", [line({ event: { type: "group.invite" } })], 1, /^group-participant a 1 gets group\.invite and has not begun$/],
    ["an event of another instance of that name", [born, line({ of: "b", event: { type: "group.invite" } })], 2, /^group-participant b 1 gets/],
    ["an input beside an event", [born, line({ input: {}, event: { type: "group.invite" } })], 2, /an input and an event$/],
    ["an event without a type", [born, line({ event: "group.invite" })], 2, /^its event has no type: "group\.invite"$/],
    ["an event that nobody knows", [born, line({ event: { type: "constructor" } })], 2, /in "new": no event is called constructor$/],
    ["a timer that does not run", [born, line({ event: { type: "xstate.after.ringMs.group-participant.calling" } })], 2, /does not run$/],
    ["a line without a state and effects", [born, '{"of":"a","machine":"group-participant","instance":"1","event":{"type":"group.invite"}}'], 2, /other effects$/],
    ["an input that is none", ['{"of":"a","machine":"large-message","instance":"1"}'], 1, /^large-message a 1 begins: the model cannot take it: /],
    ["an event without what belongs to it", ['{"of":"a","machine":"group-session","instance":"1","input":{},"state":"new","effects":[]}', '{"of":"a","machine":"group-session","instance":"1","event":{"type":"sip.INVITE.create"}}'], 2, /group-session a 1/],
  ];

  for (const [what, lines, at, why] of cases) {
    test(what, () => {
      const verdict = checkTrace(lines) as Deviation;
      expect(verdict.why).toMatch(why);
      expect(verdict.line).toBe(at);
    });
  }

  test("of a server that was killed, the last line may be cut off, and no other", () => {
    expect(checkTrace([born, born.slice(0, 40)], { killed: true })).toMatchObject({ lines: 1, instances: 1 });
    expect(checkTrace([born.slice(0, 40), born], { killed: true })).toMatchObject({ line: 1 });
  });

  test("a file is cut into lines wherever it is read, its last line with and without an end", () => {
    const file = join(folder, "long.txt");
    const lines = Array.from({ length: 3_000 }, (_, index) => `${index} ${"ü".repeat(index % 97)}`);
    for (const end of ["\n", ""]) {
      writeFileSync(file, lines.join("\n") + end);
      expect([...linesOf(file)]).toEqual(lines);
    }
  });
});
