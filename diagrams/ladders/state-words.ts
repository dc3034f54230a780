/** The value of a state as words: the paths of its leaves. */
export type StateValue = string | { readonly [key: string]: StateValue };

export function leavesOf(value: StateValue): string[] {
  if (typeof value === "string") return [value];
  return Object.entries(value).flatMap(([key, inner]) => leavesOf(inner).map((leaf) => (leaf === "" ? key : `${key}.${leaf}`)));
}

/** The leaves that are new, or all when none is: where regions stay, they are not told again. */
export function arrivals(before: StateValue | undefined, after: StateValue): string[] {
  const known = new Set(before === undefined ? [] : leavesOf(before));
  return leavesOf(after).filter((leaf) => !known.has(leaf));
}
