/**
 * Where in the source each state and each transition of a machine is declared.
 *
 * Read from the syntax tree of `machines/NAME.ts`: its configuration is followed through spreads, constants, functions that return a part,
 * and imports, as far as the machines use them. What is not found so is an error, and no guess.
 */
import { readFileSync } from "node:fs";
import { stripTypeScriptTypes } from "node:module";
import { parse, type AnyNode, type ArrayExpression, type Expression, type ObjectExpression, type Property } from "acorn";
import type { AnyStateMachine, AnyStateNode, AnyTransitionDefinition } from "xstate";
import { machines, type MachineName } from "../../machines/index.ts";
import { delayOf, nodes, transitions } from "../../machines/inspect.ts";

/** A piece of a source. */
interface Part<N extends AnyNode = AnyNode> {
  readonly file: string;
  readonly node: N;
  /** Names of the function around it that are no constants of the file. */
  readonly local: ReadonlyMap<string, AnyNode>;
}

/** A property of an object, wherever it was spread from. */
interface Found {
  readonly value: Part;
  readonly at: string;
}

// ---------------------------------------------------------------- files

interface Source {
  readonly constants: ReadonlyMap<string, Expression>;
  /** By the local name, where it comes from. */
  readonly imports: ReadonlyMap<string, { readonly file: string; readonly name: string }>;
}

const known = new Map<string, Source>();

function sourceOf(file: string): Source {
  const source = known.get(file) ?? read(file);
  known.set(file, source);
  return source;
}

function read(file: string): Source {
  // Types become blanks, so that every line stays where it is.
  const { body } = parse(stripped(readFileSync(new URL(`../../${file}`, import.meta.url), "utf8")), { ecmaVersion: "latest", sourceType: "module", locations: true });
  const constants = new Map<string, Expression>();
  const imports = new Map<string, { readonly file: string; readonly name: string }>();
  for (const statement of body) {
    const declared = statement.type === "ExportNamedDeclaration" ? statement.declaration : statement;
    if (declared?.type === "VariableDeclaration") {
      for (const { id, init } of declared.declarations) if (id.type === "Identifier" && init) constants.set(id.name, init);
    }
    if (statement.type === "ImportDeclaration" && typeof statement.source.value === "string" && statement.source.value.startsWith("./")) {
      for (const specifier of statement.specifiers) if (specifier.type === "ImportSpecifier" && specifier.imported.type === "Identifier") imports.set(specifier.local.name, { file: `machines/${statement.source.value.slice(2)}`, name: specifier.imported.name });
    }
  }
  return { constants, imports };
}

function stripped(text: string): string {
  const { emitWarning } = process;
  // Node says once that stripping is experimental; whoever prints a picture need not hear it.
  process.emitWarning = () => {};
  try {
    return stripTypeScriptTypes(text);
  } finally {
    process.emitWarning = emitWarning;
  }
}

// ---------------------------------------------------------------- following

const fail = ({ file, node }: Part): never => {
  throw new Error(`${file}:${node.loc?.start.line}: a ${node.type} is not followed`);
};

/** What stands for a name, a call or a member: an object or an array in the end. */
function follow(part: Part): Part<ObjectExpression | ArrayExpression> {
  const { file, node, local } = part;
  switch (node.type) {
    case "ObjectExpression":
    case "ArrayExpression":
      return { file, node, local };
    case "Identifier": {
      const here = local.get(node.name);
      return here ? follow({ file, node: here, local }) : follow(declared(file, node.name, part));
    }
    case "CallExpression":
      return follow(called(part, node.callee));
    case "MemberExpression":
      if (node.property.type !== "Identifier") return fail(part);
      return follow(property(follow({ file, node: node.object, local }), node.property.name)?.value ?? fail(part));
    case "LogicalExpression":
      return follow({ file, node: node.right, local });
    default:
      return fail(part);
  }
}

function declared(file: string, name: string, of: Part): Part {
  const { constants, imports } = sourceOf(file);
  const constant = constants.get(name);
  if (constant) return { file, node: constant, local: new Map() };
  const imported = imports.get(name);
  return imported ? declared(imported.file, imported.name, of) : fail(of);
}

/** What a function returns. */
function called(part: Part, callee: AnyNode): Part {
  if (callee.type !== "Identifier") return fail(part);
  const { file, node } = declared(part.file, callee.name, part);
  if (node.type !== "ArrowFunctionExpression") return fail(part);
  if (node.body.type !== "BlockStatement") return { file, node: node.body, local: new Map() };
  const inside = node.body.body.flatMap((statement) => (statement.type === "VariableDeclaration" ? statement.declarations : []));
  const returned = node.body.body.find((statement) => statement.type === "ReturnStatement");
  if (!returned?.argument) return fail(part);
  return { file, node: returned.argument, local: new Map(inside.flatMap(({ id, init }): [string, AnyNode][] => (id.type === "Identifier" && init ? [[id.name, init]] : []))) };
}

const keyOf = ({ key }: Property): string | undefined => (key.type === "Identifier" ? key.name : key.type === "Literal" ? String(key.value) : undefined);

/** The property of that name; the last one counts, as it does when the object is made. */
function property(object: Part<ObjectExpression | ArrayExpression>, name: string): Found | undefined {
  const { file, node, local } = object;
  if (node.type !== "ObjectExpression") return fail(object);
  for (const each of [...node.properties].reverse()) {
    if (each.type === "SpreadElement") {
      const spread = property(follow({ file, node: each.argument, local }), name);
      if (spread) return spread;
    } else if (keyOf(each) === name) return { value: { file, node: each.value, local }, at: lineOf(file, each) };
  }
  return undefined;
}

const lineOf = (file: string, { loc }: AnyNode): string => `${file}:${loc!.start.line}`;

// ---------------------------------------------------------------- a machine

/** The configuration that a machine is made with: the argument of `createMachine`. */
function configurationOf(name: MachineName): Part {
  const file = `machines/${name}.ts`;
  for (const made of sourceOf(file).constants.values()) {
    if (made.type !== "CallExpression" || made.callee.type !== "MemberExpression" || made.callee.property.type !== "Identifier" || made.callee.property.name !== "createMachine") continue;
    return { file, node: made.arguments[0]!, local: new Map() };
  }
  throw new Error(`${file} makes no machine`);
}

/** `state ID` and `rule N`, each with its file and line. */
export function linesOf(name: MachineName): { readonly [place: string]: string } {
  const machine: AnyStateMachine = machines[name];
  const configuration = configurationOf(name);
  const states = new Map<AnyStateNode, Found>([[machine.root, { value: configuration, at: lineOf(configuration.file, configuration.node) }]]);
  for (const node of nodes(machine.root).slice(1)) {
    const siblings = must(property(follow(states.get(node.parent!)!.value), "states"), node.id);
    states.set(node, must(property(follow(siblings.value), node.key), node.id));
  }
  return Object.fromEntries([
    ...[...states].map(([{ id }, { at }]) => [`state ${id}`, at]),
    ...transitions(machine).map((transition, index) => [`rule ${index + 1}`, lineOfRule(states.get(transition.source as AnyStateNode)!, transition)]),
  ]);
}

/** One of several alternatives stands where its guard does. */
function lineOfRule(state: Found, transition: AnyTransitionDefinition): string {
  const { source, eventType, guard } = transition;
  const type = eventType as string;
  const delay = delayOf(type);
  const object = follow(state.value);
  const { value, at } = type === "" ? must(property(object, "always"), source.id) : must(property(follow(must(property(object, delay === undefined ? "on" : "after"), source.id).value), delay ?? type), source.id);
  const written = follow(value);
  if (written.node.type !== "ArrayExpression") return at;
  const alternatives: readonly unknown[] = (type === "" ? source.always : source.transitions.get(type)) ?? [];
  const element = written.node.elements[alternatives.indexOf(transition)];
  if (!element || element.type === "SpreadElement") return fail(written);
  const alternative = follow({ file: written.file, node: element, local: written.local });
  return (guard === undefined ? undefined : property(alternative, "guard"))?.at ?? lineOf(alternative.file, alternative.node);
}

function must(found: Found | undefined, id: string): Found {
  if (!found) throw new Error(`the source of ${id} is not found`);
  return found;
}
