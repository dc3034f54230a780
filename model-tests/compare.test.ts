/**
 * `npm run diagrams -- --compare`: changes planted in a repository of their own, and what the page shows of them: exactly these.
 *
 * The page is read as a reader sees it, in Chromium.
 */
import { spawn, spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { AnyStateMachine } from "xstate";
import { before } from "../diagrams/changes/before-change-1.ts";
import { changes } from "../diagrams/changes/changes.ts";
import { compare, isSame, type Difference } from "../diagrams/compare/compare.ts";
import { below, statechart, type State, type Statechart, type Transition } from "../diagrams/charts/graph.ts";
import { machines } from "../machines/index.ts";
import { start, step } from "../machines/step.ts";
import { hasChromium, startBrowser, type Browser } from "./browser.ts";

const root = fileURLToPath(new URL("..", import.meta.url));

// ---------------------------------------------------------------- every rule and every state

/** What a comparison found, in short. */
function found(before: Statechart, after: Statechart): string[] {
  const { states, rules } = compare(before, after);
  return [
    ...states.map(({ mark, path, aspects }) => `${mark} state ${path}: ${aspects.map(({ of }) => of).join(", ")}`),
    ...rules.map(({ mark, rule, aspects }) => `${mark} rule ${rule}${mark === "changed" ? `: ${aspects.map(({ of }) => of).join(", ")}` : ""}`),
  ];
}

const without = (chart: Statechart, gone: Transition): Statechart => ({ ...chart, transitions: chart.transitions.filter((rule) => rule !== gone).map((rule, index) => ({ ...rule, rule: index + 1 })) });
const instead = (chart: Statechart, old: Transition, now: Partial<Transition>): Statechart => ({ ...chart, transitions: chart.transitions.map((rule) => (rule === old ? { ...rule, ...now } : rule)) });

/** The state is called otherwise, and so are those that it holds and whatever leads there. */
function renamed(chart: Statechart, { id }: State): Statechart {
  const now = (name: string) => (name === id || name.startsWith(`${id}.`) ? `${id.replace(/[^.]+$/, "another")}${name.slice(id.length)}` : name);
  const rename = (state: State): State => {
    const name = now(state.id);
    return { ...state, id: name, key: state.id === id ? "another" : state.key, path: name.split(".").slice(1).join("."), children: state.children.map(rename), ...(state.initial !== undefined && { initial: now(state.initial) }) };
  };
  const root = rename(chart.root);
  return { ...chart, root, states: below(root), transitions: chart.transitions.map((rule) => ({ ...rule, from: now(rule.from), ...(rule.to !== undefined && { to: now(rule.to) }) })) };
}

/** What is laid out: the marks aside. */
const drawn = ({ chart }: Difference) => ({ ...chart, transitions: chart.transitions.map(({ mark, rule, ...drawn }) => drawn) });

describe.each(Object.entries<AnyStateMachine>(machines))("%s", (name, machine) => {
  const chart = statechart(name, machine);

  test("is the same as itself, and the union is the machine", () => {
    const difference = compare(chart, chart);
    expect(isSame(difference)).toBe(true);
    expect(difference.chart).toEqual(chart);
  });

  test("each rule, when it is new, gone, or says one thing otherwise, is what is found", { timeout: 60_000 }, () => {
    for (const rule of chart.transitions) {
      const number = rule.rule;
      expect(found(without(chart, rule), chart)).toEqual([`added rule ${number}`]);
      expect(found(chart, without(chart, rule))).toEqual([`removed rule ${chart.transitions.length}`]);
      expect(drawn(compare(chart, without(chart, rule)))).toEqual(drawn(compare(without(chart, rule), chart)));
      expect(found(chart, instead(chart, rule, { guard: `${rule.guard ?? "once"} and planted` }))).toEqual([`changed rule ${number}: guard`]);
      expect(found(chart, instead(chart, rule, { effects: [...rule.effects, "planted"] }))).toEqual([`changed rule ${number}: effects`]);
      expect(found(chart, instead(chart, rule, { grounds: { cites: ["RFC 3261 §99"] } }))).toEqual([`changed rule ${number}: because`]);
      expect(found(chart, instead(chart, rule, { trigger: { kind: "event", event: "planted" } }))).toEqual([`changed rule ${number}: event`]);
      const elsewhere = chart.states.find(({ id, children }) => id !== rule.to && children.length === 0)!.id;
      if (rule.to !== undefined) expect(found(chart, instead(chart, rule, { to: elsewhere }))).toEqual([`changed rule ${number}: leads to`]);
    }
  });

  test("each state, called otherwise, is the same state with another name", () => {
    for (const state of chart.states) expect(found(chart, renamed(chart, state))).toEqual([`changed state ${[...state.path.split(".").slice(0, -1), "another"].join(".")}: name`]);
  });
});

// ---------------------------------------------------------------- the project's own change

describe("Change 1 of the change request", () => {
  const invite = { type: "sip.INVITE.fileTransfer", sender: "connected", direction: "push", fileOctets: 1, capacity: "free" } as const;
  const answered = (machine: AnyStateMachine, input: unknown, ...events: readonly { readonly type: string }[]) => {
    let now = start(machine, input);
    for (const event of events) now = step(machine, now.snapshot, event);
    return now.effects;
  };

  test("is what the review and the printed files say: one refusal, and what becomes of an answer without the wrapped types", async () => {
    const [change, ...others] = await changes();
    expect(others).toEqual([]);
    expect(change!.machines.map(({ machine }) => machine)).toEqual(["group-file-transfer", "large-message"]);
    expect(change!.rules.map(({ machine, mark, says }) => `${mark} ${machine} ${says.split(": ", 2).join(": ")}`)).toEqual([
      "added group-file-transfer awaiting: sip.INVITE.fileTransfer [notSupported]",
      "changed large-message sending: recipient.accepted [awaited and indicated]",
      "added large-message sending: recipient.accepted [awaited and judgesByAcceptTypes and acceptTypesCover]",
      "added large-message sending: recipient.accepted [awaited and sendsAnyway]",
      "added large-message sending: recipient.accepted [awaited and sendsUnwrapped]",
      "added large-message sending: recipient.accepted [awaited and rejectsAll]",
      "added large-message sending: recipient.accepted [awaited]",
      "added large-message sending.offering: recipient.accepted [awaited and not indicated and rejectsAll]",
      "added large-message sending.draining: recipient.accepted [awaited and not indicated and rejectsAll]",
    ]);
    expect(change!.says).toContain("inferred");
    expect(readFileSync(join(root, "diagrams/changes/change-1.md"), "utf8")).toContain("From 9.3.1 before the change request (inferred) to");
  });

  test("before it a transfer went on without regard to support, and whoever accepted got the file", () => {
    const input = { groupFileTransfer: "notSupported", senderNotConnected: "refuse", maxFileOctets: 1 };
    expect(answered(machines["group-file-transfer"], input, invite)).toEqual([{ type: "answer", status: 403, warning: "functionNotAllowed" }]);
    expect(answered(before["group-file-transfer"]!, input, invite)).toContainEqual({ type: "executeLargeMessage", recipientList: "none" });

    const transfer = { recipients: 2, recipientList: "none", answerSender: "early", wrappedTypes: "exclude" };
    const events = [{ type: "largeMessage.execute", spool: "ready" }, { type: "recipient.accepted", recipient: 0, wrappedTypes: "notIndicated", acceptTypes: "other" }];
    expect(answered(machines["large-message"], transfer, ...events)).toEqual([{ type: "releaseRecipients", recipients: [0], reason: "notAcceptable" }]);
    expect(answered(before["large-message"]!, transfer, ...events)).toEqual([{ type: "deliver", recipient: 0, unwrapped: false }]);
  });
});

// ---------------------------------------------------------------- a repository

const home = mkdtempSync(join(tmpdir(), "cpm-compare-test-"));
const repository = join(home, "repository");
/** Where the command makes its directories: empty again, whatever becomes of it. */
const passing = join(home, "passing");

const quiet = { ...process.env, GIT_CONFIG_GLOBAL: "/dev/null", GIT_CONFIG_SYSTEM: "/dev/null", TMPDIR: passing };

function git(...words: string[]): string {
  const { status, stdout, stderr } = spawnSync("git", ["-c", "user.name=Somebody", "-c", "user.email=somebody@example.com", ...words], { cwd: repository, encoding: "utf8", env: quiet });
  if (status !== 0) throw new Error(`git ${words.join(" ")}: ${stderr}`);
  return stdout.trim();
}

/** Replaces what stands once in a file. */
function replace(file: string, from: string, to: string): void {
  const path = join(repository, file);
  const text = readFileSync(path, "utf8");
  expect(text.split(from), `${from} in ${file}`).toHaveLength(2);
  writeFileSync(path, text.replace(from, () => to));
}

/** A revision that differs from the first one in this alone. */
function planted(what: string, plant: () => void): string {
  const branch = what.replaceAll(" ", "-");
  git("checkout", "--quiet", "--force", "-B", branch, "first");
  plant();
  git("commit", "--quiet", "--all", "--message", `Planted: ${what}`);
  git("checkout", "--quiet", "first");
  return branch;
}

beforeAll(() => {
  mkdirSync(passing);
  mkdirSync(repository);
  cpSync(join(root, "machines"), join(repository, "machines"), { recursive: true });
  cpSync(join(root, "package.json"), join(repository, "package.json"));
  for (const room of ["diagrams", "diagrams/charts", "diagrams/compare", "diagrams/review", "model-tests"]) {
    mkdirSync(join(repository, room));
    for (const file of readdirSync(join(root, room), { withFileTypes: true })) {
      if (file.isFile() && !file.name.endsWith(".test.ts")) cpSync(join(root, room, file.name), join(repository, room, file.name));
    }
  }
  symlinkSync(join(root, "node_modules"), join(repository, "node_modules"));
  writeFileSync(join(repository, ".gitignore"), "node_modules\nreport\n");
  git("init", "--quiet");
  writeFileSync(join(repository, "README.md"), "Nothing yet.\n");
  git("add", "README.md", ".gitignore");
  git("commit", "--quiet", "--message", "Before there are machines");
  git("tag", "empty");
  git("add", ".");
  git("commit", "--quiet", "--message", "The machines <b>as they are</b>");
  git("branch", "first");
});

afterAll(() => rmSync(home, { recursive: true, force: true }));

interface Run {
  readonly status: number | null;
  readonly out: string;
  readonly err: string;
}

function diagrams(...words: string[]): Run {
  const { status, stdout, stderr } = spawnSync(process.execPath, ["diagrams/print.ts", ...words], { cwd: repository, encoding: "utf8", env: quiet });
  expect(readdirSync(passing), "what is left behind").toEqual([]);
  return { status, out: stdout, err: stderr };
}

// ---------------------------------------------------------------- the page

/** What a page shows. */
interface Shown {
  readonly of: string;
  readonly says: string;
  readonly machines: readonly {
    readonly name: string;
    /** By the headings of the lists: each item in one line. */
    readonly lists: Readonly<Record<string, readonly string[]>>;
    /** What is marked in the picture, and can be seen: `added rule 3`, `changed state X`. */
    readonly marked: readonly string[];
    /** The least contrast of a mark with what it is drawn on. */
    readonly contrast: number;
    readonly states: number;
  }[];
}

const shown = `(() => {
  const line = (element) => [...element.childNodes].flatMap(function words(node) {
    if (node.nodeType === 3) return [node.data];
    const inner = [...node.childNodes].flatMap(words);
    const before = { INS: "{+", DEL: "{-", DD: ": ", DT: "; " }[node.tagName] ?? (node.tagName === "LI" ? " | " : "");
    return [before, ...inner, { INS: "+}", DEL: "-}" }[node.tagName] ?? (node.tagName === "SPAN" ? " " : "")];
  }).join("").replaceAll(/\\s+/g, " ").replaceAll(/ ([;:])/g, "$1").trim();
  const isSeen = (element) => { const { width, height } = element.getBoundingClientRect(); return width + height > 0 && getComputedStyle(element).visibility === "visible"; };
  const marks = ["added", "removed", "changed"];
  const marked = (section) => [...section.querySelectorAll("svg :is(.state, tspan.rule):is(.added, .removed, .changed)")].filter(isSeen);
  const light = (colour) => { const [r, g, b] = colour.match(/\\d+/g).map((part) => part / 255).map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4)); return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
  const contrast = (one, other) => { const [dark, bright] = [light(one), light(other)].sort((a, b) => a - b); return (bright + 0.05) / (dark + 0.05); };
  const contrastOf = (element) => {
    const paper = getComputedStyle(element.closest("svg").querySelector(".sheet")).fill;
    const rect = element.querySelector("rect");
    return contrast(rect ? getComputedStyle(rect).stroke : getComputedStyle(element).fill, paper);
  };
  return {
    of: document.querySelector("header").innerText,
    says: document.querySelector("main").innerText,
    machines: [...document.querySelectorAll("section")].map((section) => ({
      name: section.id,
      lists: Object.fromEntries([...section.querySelectorAll(".beside > h3")].map((heading) => {
        let list = heading; while (list.tagName !== "UL") list = list.nextElementSibling;
        return [heading.textContent, [...list.children].map(line)];
      })),
      marked: [...new Set(marked(section).map((element) => {
        const mark = marks.find((each) => element.classList.contains(each));
        return mark + (element.dataset.state === undefined ? " rule " + element.dataset.rule : " state " + element.dataset.state);
      }))].sort(),
      contrast: Math.min(...marked(section).map(contrastOf)),
      states: section.querySelector("svg").querySelectorAll(".state").length,
    })),
  };
})()`;

let browser: Browser;

/** On light ground and on dark: the same is shown, and marks can be told from what they are drawn on. */
async function pageOf(path: string): Promise<Shown> {
  const { page, requests, errors, close } = await browser.open();
  await page.goto(`file://${path}`);
  const found = (await page.evaluate(shown)) as Shown;
  await page.emulateMedia({ colorScheme: "dark" });
  const inTheDark = (await page.evaluate(shown)) as Shown;
  expect(inTheDark.machines.map(({ marked }) => marked)).toEqual(found.machines.map(({ marked }) => marked));
  for (const { contrast } of [...found.machines, ...inTheDark.machines]) expect(contrast).toBeGreaterThan(4.5);
  expect(requests, "what it asks for").toEqual([`file://${path}`]);
  expect(errors).toEqual([]);
  await close();
  return found;
}

/** The page of a revision compared with the first one. */
async function compared(before: string, after?: string): Promise<Shown> {
  const { status, out, err } = diagrams("--compare", before, ...(after === undefined ? [] : [after]));
  expect(err).toBe("");
  expect(status).toBe(0);
  const path = out.trim();
  expect(existsSync(path), path).toBe(true);
  return pageOf(path);
}

/** The lists of the only machine that differs. */
async function only(after: string, machine = "group-file-transfer") {
  const { machines } = await compared("first", planted(after, plants[after]!));
  expect(machines.map(({ name }) => name)).toEqual([machine]);
  return machines[0]!;
}

// ---------------------------------------------------------------- what is planted

const file = "machines/group-file-transfer.ts";
const pull = /\{\n\s*guard: "pull",[^]*?\n {10}\},\n\s*/;

const plants: Readonly<Record<string, () => void>> = {
  "a transition, a state, another name and another clause": () => {
    replace(file, `        "largeMessage.ended": { target: "ended", meta: { cites: ["CPM-CR §9.3.1"] } }`, `        "admin.shutdown": { target: "ended", actions: begun, meta: { cites: ["CPM-CR §4.2"] } },\n        "largeMessage.ended": { target: "ended", meta: { cites: ["CPM-CONV §9.1.2"] } }`);
    replace(file, `    refused: {`, `    parked: { entry: begun, meta: { cites: ["CPM-CR §4.2"] } },\n    rejected: {`);
    const path = join(repository, file);
    writeFileSync(path, readFileSync(path, "utf8").replaceAll(`"refused"`, `"rejected"`));
  },
  "a transition less": () => replace(file, pull.exec(readFileSync(join(repository, file), "utf8"))![0], ""),
  "another guard and another effect": () => {
    replace(file, `guard: "sizeExceeded"`, `guard: and(["sizeExceeded", "pull"])`);
    plants["another effect"]!();
  },
  "another effect": () => replace(file, "status: 486", "status: 480"),
  "another order": () => {
    const path = join(repository, file);
    const text = readFileSync(path, "utf8");
    const [rule] = pull.exec(text)!;
    writeFileSync(path, text.replace(rule, "").replace(`{\n            guard: "notSupported"`, () => `${rule}{\n            guard: "notSupported"`));
  },
  "a guard that means something else": () => replace(file, "fileOctets > context.maxFileOctets", "fileOctets >= context.maxFileOctets"),
  "a machine less": () => replace("machines/index.ts", `  "conference-subscription": conferenceSubscription,\n`, ""),
};

/** Without the tours, which are a list of their own. */
const still = ({ lists }: Shown["machines"][number]) => Object.fromEntries(Object.entries(lists).filter(([heading]) => !heading.startsWith("Tours")));
const tours = ({ lists }: Shown["machines"][number]) => lists["Tours that appear and disappear"] ?? [];

describe.skipIf(!hasChromium("the comparison of revisions"))("in Chromium", { timeout: 90_000 }, () => {
  beforeAll(async () => void (browser = await startBrowser()));
  afterAll(() => browser.stop());

  test("a revision and itself: nothing differs", async () => {
    const { of, says, machines } = await compared("first", "first");
    expect(of).toMatch(/^What changed\n+From first \([0-9a-f]{10} The machines <b>as they are<\/b>\)\nto first \(/);
    expect(machines).toEqual([]);
    expect(says).toBe("Nothing differs in any machine.");
  });

  test("a transition more, a state more, a state renamed, another clause: nothing else, and no tour is another", async () => {
    const machine = await only("a transition, a state, another name and another clause");
    expect(machine.lists).toEqual({
      Rules: [
        "+ added executing: admin.shutdown rule 10; effects: reportTransfer begun; leads to: ended; because: cites CPM-CR §4.2",
        "~ changed executing: largeMessage.ended rule 11, was 10; it does the same as before; because: cites {-CPM-CR §9.3.1-} {+CPM-CONV §9.1.2+}",
      ],
      States: ["+ added parked; on entry: reportTransfer begun; because: cites CPM-CR §4.2", "~ changed rejected; name: {-refused-} {+rejected+}CPM-CR §9.3.1"],
    });
    expect(machine.marked).toEqual(["added rule 10", "added state group-file-transfer.parked", "changed rule 11", "changed state group-file-transfer.rejected"]);
  });

  test("a transition less: it is drawn still, and its tours are gone", async () => {
    const machine = await only("a transition less");
    expect(still(machine)).toEqual({
      Rules: [
        "− removed awaiting: sip.INVITE.fileTransfer [pull] was rule 2; effects: answer 488; leads to: refused; because: decided: a recipient that wants to resume matches the same trigger and must not be fanned out; beside CPM-CR §9.3.1, RFC 5547 §8.2",
      ],
    });
    expect(machine.marked).toEqual(["removed rule 10"]);
    expect(tours(machine).length).toBeGreaterThan(0);
    for (const tour of tours(machine)) expect(tour).toMatch(/^awaiting: sip\.INVITE\.fileTransfer sender="\w+" direction="pull".* answer: \{-answer status=488; over-\}/);
  });

  test("another guard, another effect: the words that came and went, and the tours that show it", async () => {
    const machine = await only("another guard and another effect");
    expect(still(machine)).toEqual({
      Rules: [
        "~ changed awaiting: sip.INVITE.fileTransfer [sizeExceeded and pull] rule 5; guard: sizeExceeded {+and pull+}CPM-CR §4.2, CPM-CONV §9.1.2",
        "~ changed awaiting: sip.INVITE.fileTransfer [capacityExhausted] rule 6; effects: answer {-486-} {+480+}CPM-CR §9.3.1, RFC 3261 §21.4.24",
      ],
    });
    expect(machine.marked).toEqual(["changed rule 5", "changed rule 6"]);
    for (const tour of tours(machine)) expect(tour).toMatch(/fileOctets=2 .*\{-answer status=403 warning="sizeExceeded"; over-\}|capacity="exhausted".*\{-answer status=486; over-\} \{\+answer status=480; over\+\}/);
    expect(tours(machine).length).toBeGreaterThan(0);
  });

  test("another order: the alternative that is tried elsewhere", async () => {
    const machine = await only("another order");
    expect(still(machine)["Rules"]).toHaveLength(1);
    expect(still(machine)["Rules"]![0]).toMatch(/tried: as number \{-\d-\} \{\+\d\+\} of 8/);
    expect(tours(machine).length).toBeGreaterThan(0);
  });

  test("a guard that keeps its name and means something else", async () => {
    const machine = await only("a guard that means something else");
    expect(still(machine)).toEqual({ "Defined otherwise, under the same name": ["~ changed guard sizeExceeded of rules 5"] });
    expect(machine.marked).toEqual([]);
    for (const tour of tours(machine)) expect(tour).toContain("fileOctets=1");
    expect(tours(machine).length).toBeGreaterThan(0);
  });

  test("a machine less is drawn whole, and so is a machine more", async () => {
    for (const [before, after, mark] of [["first", planted("a machine less", plants["a machine less"]!), "removed"], ["a-machine-less", "first", "added"]] as const) {
      const { machines, says } = await compared(before, after);
      expect(machines.map(({ name }) => name)).toEqual(["conference-subscription"]);
      expect(says).toContain(`conference-subscription (${mark === "added" ? "new" : "gone"})`);
      expect(new Set(machines[0]!.marked.map((each) => each.split(" ")[0]))).toEqual(new Set([mark]));
      expect(machines[0]!.marked.filter((each) => each.includes("state"))).toHaveLength(machines[0]!.states);
    }
  });
});

describe("on the command line", { timeout: 90_000 }, () => {
  test("Markdown for a pull request, against the working tree: what is not committed yet", () => {
    git("checkout", "--quiet", "-B", "unfinished", "first");
    plants["another effect"]!();
    const { status, out, err } = diagrams("--compare", "first", "--markdown");
    git("checkout", "--quiet", "--force", "first");
    expect({ status, err }).toEqual({ status: 0, err: "" });
    expect(out).toContain("From first (");
    expect(out).toContain("The machines \\<b\\>as they are\\</b\\>) to the working tree.");
    expect(out).toMatch(/\| group-file-transfer \| the same \| 1 changed \| \d+ gone, \d+ new \|/);
    expect(out).toContain("- ✏️ changed: `awaiting: sip.INVITE.fileTransfer [capacityExhausted]` (rule 6)\n  - effects: answer ~~486~~ **480**\n  - clauses: CPM-CR §9.3.1, RFC 3261 §21.4.24\n");
    expect(out.match(/^## .*/gm)).toEqual(["## group-file-transfer", "## Lines of the change request, and what of them rests on this", "## Requirements that show in what changed"]);
  });

  test.each([
    ["nonsense", "nonsense is no revision of this repository"],
    ["first; touch planted", "first; touch planted is no revision of this repository"],
    ["$(touch planted)", "$(touch planted) is no revision of this repository"],
    ["first:machines", "first:machines is no revision of this repository"],
    ["", "an empty name is no revision of this repository"],
    ["empty", "empty has no machines/: there is nothing to compare"],
  ])("what is no revision of machines is an error that names it: %j", (revision, fault) => {
    expect(diagrams("--compare", ...(revision === "nonsense" ? [revision] : ["first", revision]))).toEqual({ status: 2, out: "", err: `diagrams: ${fault}\n` });
    expect(existsSync(join(repository, "planted"))).toBe(false);
  });

  test("an option is no revision", () => {
    expect(diagrams("--compare", "--output=planted").status).toBe(2);
    expect(diagrams("--compare", "first", "--", "--output=planted")).toEqual({ status: 2, out: "", err: "diagrams: --output=planted is no revision of this repository\n" });
    expect(existsSync(join(repository, "planted"))).toBe(false);
  });

  test("a revision that does not load is an error that names it", () => {
    for (const [name, plant] of [
      ["unreadable", () => replace(file, "import { and, setup }", "import { and setup }")],
      ["unloadable", () => replace("machines/index.ts", `export const machines = {`, `throw new Error("no machines today");\nexport const machines = {`)],
    ] as const) {
      const { status, out, err } = diagrams("--compare", "first", planted(name, plant));
      expect({ status, out }).toEqual({ status: 2, out: "" });
      expect(err).toMatch(new RegExp(`^diagrams: ${name} does not load: .`));
    }
  });

  test("who is stopped leaves nothing behind", async () => {
    git("checkout", "--quiet", "--force", "first");
    const child = spawn(process.execPath, ["diagrams/print.ts", "--compare", "first", "empty~0"], { cwd: repository, env: quiet, stdio: "ignore" });
    const ended = new Promise((resolve) => child.once("exit", resolve));
    while (readdirSync(passing).length === 0 && child.exitCode === null) await new Promise((resolve) => setTimeout(resolve, 5));
    child.kill("SIGTERM");
    await ended;
    expect(readdirSync(passing)).toEqual([]);
    expect(child.exitCode).not.toBe(0);
  });
});
