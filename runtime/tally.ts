/**
 * Counts since the start, by the values of a few labels: what metrics are made of.
 *
 * Values come from short lists and never from peers: whoever counts sees to that.
 */
export class Tally<Label extends string = string> {
  readonly labels: readonly Label[];
  readonly #counts = new Map<string, { readonly values: readonly string[]; count: number }>();

  constructor(...labels: Label[]) {
    this.labels = labels;
  }

  /** Counts one more. `values`: of the labels, in their order. */
  add(...values: string[]): void {
    const key = values.join("\n");
    const known = this.#counts.get(key);
    if (known) known.count += 1;
    else this.#counts.set(key, { values, count: 1 });
  }

  /** Every combination that was ever counted. */
  *[Symbol.iterator](): Generator<{ readonly labels: Record<Label, string>; readonly count: number }> {
    for (const { values, count } of this.#counts.values()) {
      const labels = Object.fromEntries(this.labels.map((label, at) => [label, values[at] ?? ""])) as Record<Label, string>;
      yield { labels, count };
    }
  }
}
