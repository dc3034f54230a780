/**
 * Every line of a live trace is a step of the model: the demo's is replayed, instance by instance.
 */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { spawnSync } from "node:child_process";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import type { AnyMachineSnapshot, AnyStateMachine } from "xstate";
import { machines, type MachineName } from "../machines/index.ts";
import { start, step } from "../machines/step.ts";
import type { TraceLine } from "../runtime/trace.ts";

const folder = mkdtempSync(join(tmpdir(), "cpm-trace-"));
afterAll(() => rmSync(folder, { recursive: true }));

test("the trace of the demo replays without a difference", { timeout: 60_000 }, () => {
  const file = join(folder, "demo.ndjson");
  const demo = spawnSync(process.execPath, ["runtime/client/demo.ts", "--quiet", "--keep-trace", file], { encoding: "utf8" });
  expect(demo.status, demo.stdout + demo.stderr).toBe(0);

  const snapshots = new Map<string, AnyMachineSnapshot>();
  const lines = readFileSync(file, "utf8").trimEnd().split("\n").map((line) => JSON.parse(line) as TraceLine);
  lines.forEach((line, index) => {
    const machine: AnyStateMachine = machines[line.machine as MachineName];
    const key = `${line.machine} ${line.of} ${line.instance}`;
    const before = snapshots.get(key);
    const done = line.event === undefined || before === undefined ? start(machine, line.input as never) : step(machine, before, line.event);
    const snapshot = done.snapshot as AnyMachineSnapshot;
    snapshots.set(key, snapshot);
    expect(JSON.parse(JSON.stringify([snapshot.value, done.effects])), `line ${index + 1}: ${key} ${line.event?.type ?? "starts"}`).toEqual([line.state, line.effects]);
  });
  expect(new Set(lines.map(({ machine }) => machine))).toEqual(new Set(Object.keys(machines)));
});
