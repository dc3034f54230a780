/**
 * The walls of the house: who may import whom, what is not allowed in machines/, and what nothing may be called.
 *
 * Read from the syntax tree, so that a word in a comment or a string is no offence.
 */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, normalize, relative } from "node:path";
import { fileURLToPath } from "node:url";
import type { AnyStateMachine } from "xstate";
import { isAwaitExpression, isCallExpression, isClassDeclaration, isExportDeclaration, isIdentifier, isImportDeclaration, isPropertyAccessExpression, isStringLiteral } from "typescript/unstable/ast/is";
import { SyntaxKind, type Node, type SourceFile } from "typescript/unstable/ast";
import { API } from "typescript/unstable/sync";
import { describe, expect, test } from "vitest";
import { machines } from "../machines/index.ts";
import { nodes, transitions } from "../machines/inspect.ts";

const root = fileURLToPath(new URL("..", import.meta.url));

// ---------------------------------------------------------------- the files

const compiler = new API({ cwd: root });
const ownFiles = (project: string) => {
  const { program } = compiler.updateSnapshot({ openProject: join(root, project) }).getProject(join(root, project))!;
  const names = program.getSourceFileNames().filter((name) => !name.includes("/node_modules/") && name.startsWith(root));
  return { options: program.getCompilerOptions(), files: new Map(names.map((name) => [relative(root, name), program.getSourceFile(name)!])) };
};
const house = ownFiles("tsconfig.json");
const pureRoom = ownFiles("machines/tsconfig.json");
/** What runs in a page knows the page and no Node. */
const inPage = ownFiles("diagrams/site/client/tsconfig.json");
compiler.close();

const files = [...new Map([...house.files, ...inPage.files])].filter(([path]) => /^(machines|runtime|model-tests|diagrams)\//.test(path));
const under = (room: string) => files.filter(([path]) => path.startsWith(room));

function* within(node: Node): Generator<Node> {
  yield node;
  const children: Node[] = [];
  node.forEachChild((child) => void children.push(child));
  for (const child of children) yield* within(child);
}

const found = (source: SourceFile, isOffence: (node: Node) => boolean) => [...within(source)].filter(isOffence).map((node) => node.getText(source));

// ---------------------------------------------------------------- who imports whom

interface Import {
  readonly from: string;
  /** A path in the house, or the name of a package. */
  readonly to: string;
  readonly isOfTypes: boolean;
}

const imports: readonly Import[] = files.flatMap(([from, source]) =>
  [...within(source)].flatMap((node): Import[] => {
    const isStatic = isImportDeclaration(node) || isExportDeclaration(node);
    const isDynamic = isCallExpression(node) && node.expression.kind === SyntaxKind.ImportKeyword;
    const specifier = isStatic ? node.moduleSpecifier : isDynamic ? node.arguments[0] : undefined;
    if (specifier === undefined) return [];
    if (!isStringLiteral(specifier)) return [{ from, to: `(computed) ${specifier.getText(source)}`, isOfTypes: false }];
    const { text } = specifier;
    return [{ from, to: text.startsWith(".") ? normalize(join(dirname(from), text)) : text, isOfTypes: /^(import|export)\s+type\s/.test(node.getText(source)) }];
  }),
);

const isPackage = ({ to }: Import) => !/^(machines|runtime|model-tests|diagrams)\//.test(to) && !to.startsWith("(computed)");
const told = ({ from, to }: Import) => `${from} imports ${to}`;
const offending = (isOffence: (one: Import) => boolean) => imports.filter(isOffence).map(told);

/** The rooms in the order of the house: a file imports what stands above it. */
const listing: readonly (readonly string[])[] = [
  ["machines/"],
  ["runtime/errors.ts", "runtime/clock.ts", "runtime/random.ts", "runtime/tally.ts"],
  ["runtime/body/"],
  ["runtime/sip/", "runtime/msrp/"],
  ["runtime/store/"],
  ["runtime/trace.ts"],
  ["runtime/known-steps.ts"],
  ["runtime/session.ts"],
  ["runtime/controlled-clock.ts"],
  ["runtime/sessions.ts", "runtime/sessions/"],
  ["runtime/client/"],
  ["runtime/admin/"],
  ["runtime/config.ts", "runtime/main.ts"],
  ["model-tests/"],
  ["diagrams/"],
];
/** Tests of the pictures stand below them; the evidence itself does not. */
const isOfPictures = (path: string) => /^model-tests\/(?:diagrams|review|ladder|exports|site|compare|live)[^/]*\.test\.ts$/.test(path);
const places = listing.flatMap((rooms, row) => rooms.map((room) => ({ room, row })));
const placeOf = (path: string) => (isOfPictures(path) ? { room: path, row: listing.length } : places.find(({ room }) => path.startsWith(room)));
/** Two rooms of one row do not import each other, except where they are one thing. */
const areOne = (a: string, b: string) => a === b || [a, b].every((room) => room.startsWith("runtime/sessions") || ["runtime/config.ts", "runtime/main.ts", "runtime/errors.ts", "runtime/clock.ts", "runtime/random.ts"].includes(room));

describe("imports", () => {
  test("every file has a place in the listing", () => {
    expect(files.map(([path]) => path).filter((path) => placeOf(path) === undefined)).toEqual([]);
  });

  test("a file imports only what stands above it; sip and msrp do not import each other", () => {
    expect(
      offending((one) => {
        if (isPackage(one)) return false;
        const from = placeOf(one.from);
        const to = placeOf(one.to);
        if (from === undefined || to === undefined) return true;
        return to.row > from.row || (to.row === from.row && !areOne(from.room, to.room));
      }),
    ).toEqual([]);
  });

  test("runtime imports neither the evidence nor the pictures, and the evidence no picture", () => {
    expect(offending(({ from, to }) => (from.startsWith("runtime/") && /^(model-tests|diagrams)\//.test(to)) || (from.startsWith("model-tests/") && !isOfPictures(from) && to.startsWith("diagrams/")))).toEqual([]);
  });

  test("pictures do not import the runtime", () => {
    expect(offending(({ from, to }) => from.startsWith("diagrams/") && to.startsWith("runtime/"))).toEqual([]);
  });

  test("machines import xstate and each other, and nothing else", () => {
    expect(offending(({ from, to }) => from.startsWith("machines/") && to !== "xstate" && !to.startsWith("machines/"))).toEqual([]);
  });

  test("nobody but machines runs XState, and only step.ts and inspect.ts would change with it", () => {
    expect(offending(({ from, to, isOfTypes }) => from.startsWith("runtime/") && to.startsWith("xstate") && !isOfTypes)).toEqual([]);
  });

  test("what is shown on the wire imports nothing of the specification and none of our codecs", () => {
    expect(offending(({ from, to }) => /^model-tests\/(wire|flows)\//.test(from) && /^(machines|runtime)\//.test(to))).toEqual([]);
  });

  test("the package depends on what machines and runtime import, and on nothing else", () => {
    const { dependencies } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as { dependencies: Record<string, string> };
    const used = new Set(imports.filter((one) => /^(machines|runtime)\//.test(one.from) && isPackage(one) && !one.to.startsWith("node:")).map(({ to }) => to.split("/", to.startsWith("@") ? 2 : 1).join("/")));
    expect([...used].sort()).toEqual(Object.keys(dependencies).sort());
  });
});

// ---------------------------------------------------------------- purity

const impureNames = new Set(
  ["Date", "Promise", "process", "Buffer", "console", "performance", "crypto", "fetch", "globalThis", "require", "eval", "Function", "Intl", "WeakRef", "FinalizationRegistry"].concat(
    ["setTimeout", "setInterval", "setImmediate", "queueMicrotask", "clearTimeout", "clearInterval"],
  ),
);

describe("machines are pure", () => {
  test("no clock, no chance, no world: by name", () => {
    const offences = under("machines/").flatMap(([path, source]) =>
      found(source, (node) => (isIdentifier(node) && impureNames.has(node.text)) || (isPropertyAccessExpression(node) && node.getText(source) === "Math.random")).map((text) => `${path}: ${text}`),
    );
    expect(offences).toEqual([]);
  });

  test("nothing is awaited", () => {
    const offences = under("machines/").flatMap(([path, source]) => found(source, (node) => node.kind === SyntaxKind.AsyncKeyword || isAwaitExpression(node)).map((text) => `${path}: ${text}`));
    expect(offences).toEqual([]);
  });

  test("their compiler knows no process, no Buffer and no timer", () => {
    expect(pureRoom.options.types).toEqual([]);
    expect(pureRoom.options.lib).toEqual(["lib.es2023.d.ts"]);
    expect([...pureRoom.files.keys()].filter((path) => !path.startsWith("machines/"))).toEqual([]);
    expect([...pureRoom.files.keys()].sort()).toEqual(under("machines/").map(([path]) => path).sort());
  });
});

// ---------------------------------------------------------------- everything has a name

/** What a machine declares and XState would run: a function here prints as nothing. */
describe("guards, actions, delays and params are named", () => {
  for (const [name, machine] of Object.entries<AnyStateMachine>(machines)) {
    const { guards, actions, delays } = machine.implementations as Record<"guards" | "actions" | "delays", Record<string, unknown>>;
    const used = { guards: new Set<string>(), actions: new Set<string>(), delays: new Set<string>() };

    const isNamedFunction = (params: unknown) => typeof params !== "function" || !["", "params"].includes(params.name);
    const guardFaults = (guard: unknown): string[] => {
      if (guard === undefined) return [];
      if (typeof guard === "function") return "guards" in guard ? (guard.guards as unknown[]).flatMap(guardFaults) : ["an inline guard"];
      const { type, params } = typeof guard === "string" ? { type: guard, params: undefined } : (guard as { type: string; params?: unknown });
      used.guards.add(type);
      return [...(type in guards ? [] : [`no guard ${type}`]), ...(isNamedFunction(params) ? [] : [`unnamed params of ${type}`])];
    };
    const actionFaults = (action: unknown): string[] => {
      // XState adds these two for a delayed transition.
      if (typeof action === "function") return ["xstate.raise", "xstate.cancel"].includes((action as unknown as { type: string }).type) ? [] : ["an inline action"];
      const { type, params } = typeof action === "string" ? { type: action, params: undefined } : (action as { type: string; params?: unknown });
      used.actions.add(type);
      return [...(type in actions ? [] : [`no action ${type}`]), ...(isNamedFunction(params) ? [] : [`unnamed params of ${type}`])];
    };

    test(name, () => {
      const faults = [
        ...transitions(machine).flatMap(({ source, eventType, guard, actions }) => [...guardFaults(guard), ...actions.flatMap(actionFaults)].map((fault) => `${source.id} ${eventType}: ${fault}`)),
        ...nodes(machine.root).flatMap((node) => [...node.entry, ...node.exit].flatMap(actionFaults).map((fault) => `${node.id}: ${fault}`)),
        ...nodes(machine.root).flatMap((node) => (node.invoke.length > 0 ? [`${node.id} invokes`] : [])),
      ];
      for (const node of nodes(machine.root)) {
        for (const { delay } of node.after) {
          if (typeof delay !== "string" || !(delay in delays)) faults.push(`${node.id}: the delay ${String(delay)} is not a named one`);
          else used.delays.add(delay);
        }
      }
      expect(faults).toEqual([]);
    });

    test(`${name} declares nothing that it does not use`, () => {
      expect({ guards: Object.keys(guards).filter((one) => !used.guards.has(one)), actions: Object.keys(actions).filter((one) => !used.actions.has(one)), delays: Object.keys(delays).filter((one) => !used.delays.has(one)) }).toEqual({ guards: [], actions: [], delays: [] });
    });
  }
});

// ---------------------------------------------------------------- what nothing is called

describe("names", () => {
  const rooms = ["machines", "runtime", "model-tests", "diagrams"].filter((room) => existsSync(join(root, room)));
  const paths = rooms.flatMap((room) => readdirSync(join(root, room), { recursive: true, encoding: "utf8" }).map((path) => `${room}/${path}`));

  test("no drawer for odds and ends", () => {
    const oddsAndEnds = /(^|[/-])(utils?|helpers?|common|misc|shared|types|constants|src|lib)(\.ts)?(\/|$)/;
    expect(paths.filter((path) => oddsAndEnds.test(path))).toEqual([]);
  });

  test("no class called Manager, Handler or Service", () => {
    const classes = files.flatMap(([path, source]) => [...within(source)].flatMap((node) => (isClassDeclaration(node) && node.name ? [`${path}: ${node.name.text}`] : [])));
    expect(classes.filter((name) => /(Manager|Handler|Service|Helper|Util)s?$/.test(name))).toEqual([]);
  });

  test("no barrels but machines/index.ts", () => {
    const passesOn = ([, { statements }]: (typeof files)[number]) => statements.length > 0 && statements.every((statement) => isImportDeclaration(statement) || isExportDeclaration(statement));
    expect(under("").filter(passesOn).map(([path]) => path).filter((path) => path !== "machines/index.ts")).toEqual([]);
  });

  test("nothing is left to be done", () => {
    expect(files.filter(([path, source]) => path !== "model-tests/boundaries.test.ts" && /\b(TODO|FIXME|XXX)\b/.test(source.text)).map(([path]) => path)).toEqual([]);
  });
});
