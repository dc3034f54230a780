/** A machine's configuration as data: where its rules stand, and the same configuration with one place rewritten. */

/** One alternative of a transition. */
export interface Branch {
  readonly target?: string;
  readonly reenter?: boolean;
  readonly guard?: unknown;
  readonly actions?: unknown;
  readonly meta?: unknown;
}

export interface State {
  readonly type?: string;
  readonly on?: Readonly<Record<string, unknown>>;
  readonly after?: Readonly<Record<string, unknown>>;
  readonly always?: unknown;
  readonly entry?: unknown;
  readonly exit?: unknown;
  readonly states?: Readonly<Record<string, State>>;
  readonly meta?: unknown;
}

/** A state, from the root down. */
export type Path = readonly string[];

/** A list of alternatives: of an event, of a delay, or eventless. */
export interface List {
  readonly path: Path;
  readonly kind: "on" | "after" | "always";
  /** The event or the delay; empty for what is eventless. */
  readonly key: string;
}

const listed = <T>(given: unknown): readonly T[] => (given === undefined ? [] : Array.isArray(given) ? given : [given]) as readonly T[];

/** The actions of a branch, an entry or an exit. */
export const actionsOf = (given: unknown): readonly unknown[] => listed(given);

/** Every state, in document order. */
export function* statesOf(state: State, path: Path = []): Generator<readonly [Path, State]> {
  yield [path, state];
  for (const [name, child] of Object.entries(state.states ?? {})) yield* statesOf(child, [...path, name]);
}

/** Every list of alternatives of a state. */
export function listsOf(path: Path, { on, after, always }: State): List[] {
  return [
    ...Object.keys(on ?? {}).map((key) => ({ path, kind: "on", key }) as const),
    ...Object.keys(after ?? {}).map((key) => ({ path, kind: "after", key }) as const),
    ...(always === undefined ? [] : [{ path, kind: "always", key: "" } as const]),
  ];
}

export function stateAt(root: State, path: Path): State {
  return path.reduce((state, name) => state.states![name]!, root);
}

export function branchesOf(root: State, { path, kind, key }: List): readonly Branch[] {
  const state = stateAt(root, path);
  return listed<Branch | string>(kind === "always" ? state.always : state[kind]?.[key]).map((branch) => (typeof branch === "string" ? { target: branch } : branch));
}

/** The configuration with one state rewritten; what is not on the way to it is shared. */
export function withState(root: State, path: Path, rewrite: (state: State) => State): State {
  const [name, ...rest] = path;
  if (name === undefined) return rewrite(root);
  return { ...root, states: { ...root.states, [name]: withState(root.states![name]!, rest, rewrite) } };
}

/** The configuration with one list of alternatives rewritten. */
export function withBranches(root: State, list: List, rewrite: (branches: readonly Branch[]) => readonly Branch[]): State {
  const { path, kind, key } = list;
  const branches = rewrite(branchesOf(root, list));
  return withState(root, path, (state) => (kind === "always" ? { ...state, always: branches } : { ...state, [kind]: { ...state[kind], [key]: branches } }));
}

/** The configuration with the entry or exit actions of one state rewritten. */
export function withActions(root: State, path: Path, which: "entry" | "exit", rewrite: (actions: readonly unknown[]) => readonly unknown[]): State {
  return withState(root, path, (state) => ({ ...state, [which]: rewrite(actionsOf(state[which])) }));
}
