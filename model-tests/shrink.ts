/**
 * Cuts a list that fails down to one from which nothing can be left out (delta debugging, `ddmin`).
 *
 * A. Zeller, R. Hildebrandt: Simplifying and Isolating Failure-Inducing Input.
 */

/** A part of `items`, in their order, that fails and of which no single item can be left out. `items` themselves must fail. */
export function shrink<T>(items: readonly T[], fails: (items: readonly T[]) => boolean): readonly T[] {
  if (!fails(items)) throw new Error("what is to be shrunk does not fail");
  let left = items;
  for (let parts = 2; left.length > 1; ) {
    const size = Math.ceil(left.length / parts);
    const chunks = Array.from({ length: Math.ceil(left.length / size) }, (_, part) => ({ from: part * size, to: (part + 1) * size }));
    const alone = chunks.map(({ from, to }) => left.slice(from, to)).find(fails);
    const without = alone ?? chunks.map(({ from, to }) => [...left.slice(0, from), ...left.slice(to)]).find(fails);
    if (without !== undefined) {
      left = without;
      parts = alone === undefined ? Math.max(chunks.length - 1, 2) : 2;
    } else if (size === 1) break;
    else parts = Math.min(parts * 2, left.length);
  }
  return left.length === 1 && fails([]) ? [] : left;
}
