/**
 * Our server with one fault planted in it: `planted-server.ts --plant NAME -- <options of serve>`.
 *
 * The fault is in a machine that runs, or in the adaptation between it and the wire; the runtime itself has no switch for
 * faults. The conformance run has to find each.
 */
import { createMachine, type AnyStateMachine } from "xstate";
import { machines, type MachineName } from "../../machines/index.ts";
import { Group } from "../../runtime/sessions/group.ts";
import { RecipientLeg } from "../../runtime/sessions/transfer-leg.ts";
import type { MediaTemplate } from "../../runtime/sessions/media.ts";

/** An action as a machine's configuration has it. */
interface Action {
  readonly type: string;
  readonly params?: object | ((at: At) => object);
}

interface At {
  readonly context: unknown;
  readonly event: { readonly type: string } & Readonly<Record<string, unknown>>;
}

/** Puts another machine in the place of one: every action of that type as `change` makes it; undefined: it is gone. */
function plantIn(name: MachineName, type: string, change: (action: Action) => Action | undefined): void {
  let planted = 0;
  const edited = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(edited).filter((item) => item !== undefined);
    if (typeof value !== "object" || value === null) return value === type ? replaced({ type }) : value;
    if ((value as Action).type === type) return replaced(value as Action);
    return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, key === "type" ? each : edited(each)]).filter(([, each]) => each !== undefined));
  };
  const replaced = (action: Action): Action | undefined => {
    planted += 1;
    return change(action);
  };
  const machine: AnyStateMachine = machines[name];
  const made = createMachine(edited(machine.config) as never, machine.implementations as never);
  if (planted === 0) throw new Error(`${name} has no action ${type}`);
  Object.assign(machines, { [name]: made });
}

/** The params of an action, whether they are written or computed. */
const withParams = (action: Action, change: (params: Record<string, unknown>, at: At) => object): Action => ({
  type: action.type,
  params: (at: At) => change((typeof action.params === "function" ? action.params(at) : action.params) as Record<string, unknown>, at),
});

/** Wraps a method of a class that is there already. */
function wrap(prototype: object, method: string, around: (original: (...args: unknown[]) => never) => (this: never, ...args: never[]) => unknown): void {
  const original = (prototype as Record<string, (...args: unknown[]) => never>)[method];
  if (original === undefined) throw new Error(`there is no ${method}`);
  Object.defineProperty(prototype, method, { value: around(original), configurable: true, writable: true });
}

interface Headed {
  readonly headers: readonly (readonly [string, string])[];
}

/** The faults, by their names. */
export const plants: Readonly<Record<string, { readonly means: string; readonly plant: () => void }>> = {
  dropWarning: {
    means: "a file that is not supported is refused without a Warning",
    plant: () => plantIn("group-file-transfer", "answer", (action) => withParams(action, ({ warning: _, ...rest }) => rest)),
  },
  forgetLeg: {
    means: "a message goes to all others but the last",
    plant: () => plantIn("group-session", "relay", (action) => withParams(action, ({ to }) => ({ to: (to as number[]).slice(0, -1) }))),
  },
  forwardToSender: {
    means: "a message comes back to its sender",
    plant: () => plantIn("group-session", "relay", (action) => withParams(action, ({ to }, { event }) => ({ to: [...(to as number[]), event["from"]] }))),
  },
  noBye: {
    means: "the focus ends a dialog without a BYE",
    plant: () => plantIn("group-participant", "sendBye", () => undefined),
  },
  wrongContributionId: {
    means: "invitations have a Contribution-ID that is not the group's",
    plant: () =>
      wrap(Group.prototype, "invitation", (original) => function (this: Group, ...args) {
        const invitation = original.apply(this, args) as Headed;
        return { ...invitation, headers: invitation.headers.map(([name, value]) => [name, name === "Contribution-ID" ? value.replace(/.$/, (last) => (last === "0" ? "1" : "0")) : value]) };
      }),
  },
  wrongFileRange: {
    means: "recipients are offered the file from its second octet on",
    plant: () => {
      const { get } = Object.getOwnPropertyDescriptor(RecipientLeg.prototype, "template")!;
      Object.defineProperty(RecipientLeg.prototype, "template", {
        get(this: RecipientLeg) {
          const template = get!.call(this) as MediaTemplate;
          return template.file === undefined ? template : { ...template, file: { ...template.file, range: { ...template.file.range, start: (template.file.range?.start ?? 0) + 1 } } };
        },
      });
    },
  },
};

const [option, name = "", dashes, ...serverOptions] = process.argv.slice(2);
const planted = plants[name];
if (option !== "--plant" || planted === undefined || dashes !== "--") {
  process.stderr.write(`planted-server.ts --plant NAME -- <options of serve>; NAME is one of\n${Object.entries(plants).map(([each, { means }]) => `  ${each}: ${means}\n`).join("")}`);
  process.exit(2);
}
planted.plant();
process.argv.splice(2, Infinity, "serve", ...serverOptions);
await import("../../runtime/main.ts");
