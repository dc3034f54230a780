/** Change 1 of the change request as a comparison: section 9.3.1 before it, inferred, and the machines as they are. */
import type { AnyStateMachine } from "xstate";
import { machines, type MachineName } from "../../machines/index.ts";
import { comparison, type Answering, type Comparison, type Revision } from "../compare/comparison.ts";
import { definitions, describe, type Description } from "../compare/description.ts";
import { statechart } from "../charts/graph.ts";
import { walkIn, waysOf, type Met, type Way } from "../compare/ways.ts";
import { before } from "./before-change-1.ts";

/** Policies that Change 1 asks for. */
const asked = ["groupFileTransfer", "wrappedTypes"];

export async function change1(): Promise<Comparison> {
  const today = await describe();
  const former: Description = {
    ...today,
    machines: today.machines.map((described) => {
      const machine = before[described.chart.name];
      return machine ? { chart: statechart(described.chart.name, machine), definitions: definitions(machine), fingerprint: "before" } : described;
    }),
    policies: today.policies!.filter(({ name }) => !asked.includes(name)),
  };
  return comparison(new Here("9.3.1 before the change request (inferred)", former, before), new Here("9.3.1 as the change request has it", today, machines));
}

/** Answers in this process. What is inferred has no tours of its own. */
class Here implements Answering {
  readonly revision: Revision;
  readonly #description: Description;
  readonly #machines: Readonly<Record<string, AnyStateMachine>>;

  constructor(name: string, description: Description, machines: Readonly<Record<string, AnyStateMachine>>) {
    this.revision = { name };
    this.#description = description;
    this.#machines = machines;
  }

  async describe(): Promise<Description> {
    return this.#description;
  }

  async tours(machine: string): Promise<readonly Way[]> {
    return this.#machines[machine] === before[machine] ? [] : waysOf(machine as MachineName);
  }

  async walk(machine: string, ways: readonly Way[]): Promise<readonly (readonly Met[])[]> {
    return walkIn(this.#machines[machine]!, ways);
  }
}
