/** What is run step by step in the page: an input, and events one after the other. Its address holds all of it. */
import type { AnyEventObject } from "xstate";
import type { MachineName } from "../../../machines/index.ts";
import type { MachineReview } from "../../review/review-shape.ts";
import { flowOf, machineOf } from "./data.ts";
import { to, type Route } from "./route.ts";

export interface Script {
  readonly machine: MachineReview;
  readonly name: MachineName;
  readonly title: string;
  readonly input: unknown;
  /** Its place in the world; absent where a flow has an input of its own. */
  readonly inputNumber?: number;
  readonly events: readonly AnyEventObject[];
  /** The address at a step. */
  address(at: number): string;
}

/** An event by its number in the world, a timer as `t` and its number. */
export function numberOf(machine: MachineReview, event: AnyEventObject): string {
  const timer = machine.timers.indexOf(event.type);
  return timer >= 0 ? `t${timer}` : String(machine.events.findIndex((each) => JSON.stringify(each) === JSON.stringify(event)));
}

/** `0.3.t1` */
const written = (machine: MachineReview, events: readonly AnyEventObject[]): string => events.map((event) => numberOf(machine, event)).join(".");

function read(machine: MachineReview, text: string): AnyEventObject[] {
  return text.split(".").filter(Boolean).flatMap((word): AnyEventObject[] => {
    const timer = word.startsWith("t") ? machine.timers[Number(word.slice(1))] : undefined;
    const event = timer === undefined ? machine.events[Number(word)] : { type: timer };
    return event === undefined ? [] : [event];
  });
}

export function byHand(machine: MachineReview, inputNumber: number, events: readonly AnyEventObject[]): Script {
  const path = ["machine", machine.name, "run", inputNumber, written(machine, events)];
  return {
    machine,
    name: machine.name as MachineName,
    title: "Step by hand",
    input: machine.inputs[inputNumber],
    inputNumber,
    events,
    address: (at) => to(path, at === events.length ? {} : { at }),
  };
}

/** The script that an address asks for, and the step at which to be; undefined where it asks for none. */
export function scriptAt({ path, query }: Route): { readonly script: Script; readonly at: number } | undefined {
  const script = scriptOf(path);
  if (script === undefined) return undefined;
  const isByHand = path[2] === "run";
  const asked = Number(query.get("at") ?? (isByHand ? script.events.length : 0));
  return { script, at: Math.min(Math.max(Number.isInteger(asked) ? asked : 0, 0), script.events.length) };
}

function scriptOf([first, name = "", kind, input = "0", rest = ""]: readonly string[]): Script | undefined {
  if (first === "flow") return ofFlow(name);
  const machine = machineOf(name);
  if (machine === undefined) return undefined;
  if (kind === "run") return byHand(machine, machine.inputs.length > Number(input) && Number(input) >= 0 ? Number(input) : 0, read(machine, rest));
  return kind === "tour" ? ofTour(machine, `${name}/${input}/${rest}`) : undefined;
}

function ofTour(machine: MachineReview, id: string): Script | undefined {
  const tour = machine.tours.find((each) => each.id === id);
  if (tour === undefined) return undefined;
  const [, input = "", number = ""] = id.split("/");
  return {
    machine,
    name: machine.name as MachineName,
    title: `Tour ${input}/${number}`,
    input: machine.inputs[tour.input],
    inputNumber: tour.input,
    events: tour.events.map((event) => (event < 0 ? { type: machine.timers[-1 - event]! } : machine.events[event]!)),
    address: (at) => to(["machine", machine.name, "tour", input, number], { at }),
  };
}

function ofFlow(id: string): Script | undefined {
  const flow = flowOf(id);
  const machine = flow && machineOf(flow.of);
  if (flow?.events === undefined || machine === undefined) return undefined;
  return { machine, name: machine.name as MachineName, title: `${flow.title}, ${flow.number}`, input: flow.input, events: flow.events, address: (at) => to(["flow", id], { at }) };
}
