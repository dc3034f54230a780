/** Pages that answer a question from what the machines did in their worlds: what follows an event, what a policy changes. */
import type { Transition } from "../../charts/graph.ts";
import type { MachineReview } from "../../review/review-shape.ts";
import { cases, machineOf, policyOf, review, ruleOf } from "./data.ts";
import { h, list, table, type Child } from "./element.ts";
import { to, type Route, type View } from "./route.ts";
import { counted, groundsText, machineLink, pairs, ruleLink, spaced, stateLink } from "./words.ts";

/** What spec authors ask first; every answer is a page that is made from the machines. */
export const questions: readonly { readonly asks: string; readonly href: string }[] = [
  { asks: "What happens when a participant without wrapped-type support answers?", href: to(["event", "large-message", "recipient.accepted"], { wrappedTypes: "notIndicated" }) },
  { asks: "Which rule sends 122?", href: to(["search"], { q: "122" }) },
  { asks: "What did this change request change?", href: to(["changes"]) },
  { asks: "Which requirement has no test?", href: to(["requirements"], { only: "untested" }) },
  { asks: "What may a closed group still do?", href: to(["policy", "closed", "true"]) },
];

const inputsOf = (machine: MachineReview) => machine.inputs.map((input) => (input ?? {}) as Record<string, unknown>);
const said = (value: unknown): string => (value === true ? "yes" : value === false ? "no" : spaced(String(value)));

/** Of every input what is a policy, or what a group is made with; how many there are is the world's. */
const policiesOf = (machine: MachineReview): Bag[] => inputsOf(machine).map((input) => Object.fromEntries(Object.entries(input).filter(([name, value]) => policyOf(name) !== undefined || typeof value === "boolean")));

type Bag = Readonly<Record<string, unknown>>;

/** What tells those that are chosen from all others, in as few names as that takes: `wrapped types exclude`. */
function common(chosen: readonly Bag[], all: readonly Bag[]): string {
  const names = [...new Set(all.flatMap(Object.keys))];
  const values = (name: string) => new Set(chosen.map((bag) => JSON.stringify(bag[name])));
  const outside = (name: string, bags: readonly Bag[]) => bags.filter((bag) => !values(name).has(JSON.stringify(bag[name])));
  const words: string[] = [];
  let others = all.filter((bag) => !chosen.includes(bag));
  while (others.length > 0) {
    const [name, told] = names.map((each) => [each, outside(each, others)] as const).reduce((best, each) => (each[1].length > best[1].length ? each : best));
    if (told.length === 0) break;
    words.push(`${spaced(name)} ${[...values(name)].map((value) => said(value === undefined ? "absent" : JSON.parse(value))).join(" or ")}`);
    others = others.filter((bag) => !told.includes(bag));
  }
  return words.join(", ");
}

// ---------------------------------------------------------------- what follows an event

export function eventPage({ path: [, name = "", type = ""], query }: Route): View | undefined {
  const machine = machineOf(name);
  if (machine === undefined) return undefined;
  const asked = [...query];
  const matching = machine.events.map((event) => event.type === type && asked.every(([key, value]) => String((event as Record<string, unknown>)[key]) === value));
  const ours = (cases[name] ?? []).filter(({ event }) => matching[event]);
  const events = machine.events.filter((_, at) => matching[at]) as unknown as readonly Record<string, unknown>[];
  const inputs = policiesOf(machine);
  const rules = [...new Set(ours.flatMap(({ rules }) => rules.slice(0, 1)))].sort((a, b) => a - b);
  const following = (rule: number) => [...new Set(ours.filter(({ rules }) => rules[0] === rule).flatMap(({ rules }) => rules.slice(1)))].sort((a, b) => a - b);
  const condition = asked.length === 0 ? "" : pairs(Object.fromEntries(asked));
  const refusal = machine.refusals[type];
  return {
    title: `What follows ${type}`,
    content: [
      h("h1", { tabindex: -1 }, "What follows ", h("code", {}, type), condition !== "" && h("small", { class: "quiet" }, ` with ${condition}`)),
      h("p", { class: "lead" }, "In ", machineLink(name), ": every rule that takes it anywhere in the machine's world, under which policies, and why."),
      asked.length > 0 && h("p", {}, h("a", { href: to(["event", name, type]) }, "The same for every kind of this event")),
      rules.length === 0
        ? h("p", { class: "answer" }, "No rule takes it.")
        : h("p", { class: "answer" }, `${counted(rules.length, "rule")} ${rules.length === 1 ? "takes" : "take"} it: which one, policy, place and answer decide.`, unlessTold(inputs)),
      table(
        `What follows ${type}`,
        ["rule", "in", "under which policies", "when it says", "then", "because"],
        rules.flatMap((rule) => alike(ours.filter((each) => each.rules[0] === rule)).map((where) => {
          const transition = ruleOf(machine, rule)!;
          return [
            h("a", { href: to(["machine", name, "rules", rule]), class: "number", "aria-label": `Rule ${rule}` }, rule),
            stateLink(transition.from),
            common(where.map(({ input }) => inputs[input]!), inputs) || "any",
            common(where.map(({ event }) => machine.events[event] as unknown as Record<string, unknown>), events) || "anything",
            [outcome(transition), following(rule).length > 0 && h("p", { class: "quiet" }, "on the tours then came ", following(rule).map((each, index) => [index > 0 && ", ", h("a", { href: to(["machine", name, "rules", each]) }, `rule ${each}`)]))],
            groundsText(transition.grounds),
          ];
        })),
        { class: "rule-table" },
      ),
      refusal !== undefined && ours.some(({ rules }) => rules.length === 0) && [h("h2", {}, "Where no rule takes it"), h("p", {}, refusal.answer), groundsText(refusal.grounds)],
      h("p", {}, h("a", { href: to(["machine", name, "run", 0]) }, "Try it by hand")),
    ],
  };
}

/** The policies that hold when nobody says otherwise. */
function unlessTold(inputs: readonly Bag[]): string {
  const names = [...new Set(inputs.flatMap(Object.keys))].filter((name) => policyOf(name)?.values !== undefined);
  return names.length === 0 ? "" : ` Unless told otherwise, ${names.map((name) => `${spaced(name)} is ${said(policyOf(name)!.default)}`).join(", ")}.`;
}

type Case = (typeof cases)[string][number];

/** Cases by what their inputs have in common: those of one row are every pair of its inputs and its events. */
function alike(where: readonly Case[]): Case[][] {
  const eventsOf = new Map<number, Set<number>>();
  for (const { input, event } of where) eventsOf.set(input, (eventsOf.get(input) ?? new Set()).add(event));
  const groups = new Map<string, Case[]>();
  for (const each of where) {
    const key = [...eventsOf.get(each.input)!].sort((a, b) => a - b).join();
    groups.set(key, [...(groups.get(key) ?? []), each]);
  }
  return [...groups.values()];
}

function outcome({ effects, to: target }: Transition): Child {
  const does = effects.map((effect) => h("li", {}, spaced(effect)));
  return [
    does.length > 0 && h("ul", { class: "bare" }, does),
    target !== undefined && h("span", {}, "→ ", stateLink(target)),
    does.length === 0 && target === undefined && h("span", { class: "quiet" }, "nothing, on purpose"),
  ];
}

// ---------------------------------------------------------------- what a policy changes

/** It answers with a refusal, or does nothing. */
const refuses = ({ effects, to: target }: Transition): boolean => (effects.length === 0 && target === undefined) || effects.some((effect) => /^(answer|answerMsrp|rejectSender|sendSipResponse \S+) [3-6]\d\d\b/.test(effect));

export function policyPage({ path: [, name = "", value] }: Route): View | undefined {
  const policy = policyOf(name);
  const using = review.machines.filter((machine) => inputsOf(machine).some((input) => name in input));
  if (policy === undefined && using.length === 0) return undefined;
  const values = [...new Set(using.flatMap((machine) => inputsOf(machine).map((input) => String(input[name]))))];
  const named = review.machines.flatMap((machine) => machine.chart.transitions.filter(({ trigger }) => trigger.kind === "delay" && trigger.policy === name).map(({ rule }) => ruleLink(machine, rule, { withMachine: true })));
  return {
    title: `Policy ${spaced(name)}`,
    content: [
      h("h1", { tabindex: -1 }, spaced(name), value !== undefined && `: ${said(value === "true" ? true : value === "false" ? false : value)}`),
      h("p", { class: "lead" }, policy === undefined ? "What a group is made with: its creator asks for it." : `${policy.means}.`),
      policy && [h("p", {}, policy.values === undefined ? `In ${policy.unit}; ${policy.default.toLocaleString("en")} unless told otherwise.` : `One of ${policy.values.map(spaced).join(", ")}; ${spaced(String(policy.default))} unless told otherwise.`), groundsText(policy.grounds)],
      values.length > 1 && h("nav", { class: "views", "aria-label": "Values" }, values.map((each) => h("a", { href: to(["policy", name, each]), "aria-current": each === value && "page" }, `${spaced(name)}: ${said(each === "true" ? true : each === "false" ? false : each)}`))),
      named.length > 0 && [h("h2", {}, "Rules that wait for it"), list(named)],
      value !== undefined && using.map((machine) => differences(machine, name, value)),
    ],
  };
}

function differences(machine: MachineReview, policy: string, value: string): Child {
  const inputs = inputsOf(machine);
  const all = cases[machine.name] ?? [];
  const has = (input: number) => String(inputs[input]![policy]) === value;
  const here = new Set(all.filter(({ input }) => has(input)).flatMap(({ rules }) => rules));
  const elsewhere = new Set(all.filter(({ input }) => !has(input)).flatMap(({ rules }) => rules));
  const types = [...new Set(machine.events.map(({ type }) => type))];
  /** What one event leads to at once, under this value and under the others. */
  const led = (type: string, among: (input: number) => boolean) => [...new Set(all.filter(({ event, input, rules }) => among(input) && machine.events[event]!.type === type && rules.length > 0).map(({ rules }) => rules[0]!))].map((rule) => ruleOf(machine, rule)!);
  const served = (transitions: readonly Transition[]) => transitions.filter((transition) => !refuses(transition));
  const rows = types.map((type) => ({ type, here: led(type, has), others: led(type, (input) => !has(input)) }));
  const still = rows.filter((row) => served(row.here).length > 0);
  const not = rows.filter((row) => served(row.here).length === 0 && served(row.others).length > 0);
  const only = [...here].filter((rule) => !elsewhere.has(rule)).sort((a, b) => a - b);
  return h(
    "section",
    {},
    h("h2", {}, machine.name),
    h("p", { class: "answer" }, `Of ${counted(types.length, "kind")} of events, ${still.length} are still served; `, not.length === 0 ? "none is refused everywhere that is served otherwise." : [`${not.length === 1 ? "one is" : `${not.length} are`} refused everywhere that is served otherwise: `, not.map(({ type }, index) => [index > 0 && ", ", h("code", {}, type)]), "."]),
    not.length > 0 && [
      h("h3", {}, "What is not served any more"),
      table("Not served", ["event", "instead", "because"], not.flatMap(({ type, here: ours, others }) => ours.filter((transition) => !others.includes(transition)).map((transition) => [h("code", {}, type), [ruleLink(machine, transition.rule), outcome(transition)], groundsText(transition.grounds)]))),
    ],
    only.length > 0 && [h("h3", {}, "Rules that only it brings"), list(only.map((rule) => ruleLink(machine, rule)))],
    h("h3", {}, "What is still served"),
    table("Still served", ["event", "by"], still.map(({ type, here: ours }) => [h("a", { href: to(["event", machine.name, type]) }, h("code", {}, type)), list(served(ours).sort((a, b) => a.rule - b.rule).map((transition) => [ruleLink(machine, transition.rule), h("small", { class: "quiet" }, ` ${transition.effects.map(spaced).join(", ")}`)]), { class: "bare" })])),
  );
}
