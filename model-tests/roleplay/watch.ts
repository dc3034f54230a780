/** What a step has to bring, and what came: compared channel by channel, since across dialogs there is no order. */

/** Why a step is not a pass. */
export interface Finding {
  readonly verdict: "fail" | "inconclusive";
  readonly why: string;
}

export const wrong = (why: string): Finding => ({ verdict: "fail", why });
/** The standard leaves it open; the model does otherwise. */
export const otherwise = (why: string): Finding => ({ verdict: "inconclusive", why });

/** Something that has to come. `A` is what came. */
export interface Expected<A> {
  /** Where: the answers to one request, one dialog, one MSRP session, the invitations of one user. */
  readonly channel: string;
  readonly says: string;
  /** What is wrong with it; undefined: it is right. */
  readonly check: (arrival: A) => Finding | undefined;
}

/** The findings of several checks: the first that fails, else the first that is inconclusive. */
export function firstOf(findings: readonly (Finding | undefined)[]): Finding | undefined {
  return findings.find((finding) => finding?.verdict === "fail") ?? findings.find((finding) => finding !== undefined);
}

/** The expectations of the step under way. */
export class Watch {
  #expected: Expected<never>[] = [];
  #met: Expected<never>[] = [];
  #observed: string[] = [];
  #finding: Finding | undefined;
  #settled: (() => void) | undefined;

  /** A new step: what came since the last one is still to be explained. */
  begin(): void {
    this.#expected = [];
    this.#met = [];
    this.#observed = this.#finding === undefined ? [] : this.#observed;
  }

  expect<A>(expected: Expected<A>): void {
    this.#expected.push(expected as Expected<never>);
  }

  /** Something came. */
  arrive<A>(channel: string, says: string, arrival: A): void {
    this.#observed.push(says);
    const expected = this.#expected.find((one) => one.channel === channel && !this.#met.includes(one));
    if (expected === undefined) return this.find(wrong(`nobody expected ${says}`));
    this.#met.push(expected);
    const finding = (expected as unknown as Expected<A>).check(arrival);
    if (finding) this.find({ ...finding, why: `${expected.says}: ${finding.why}` });
    else if (this.#isComplete) this.#settled?.();
  }

  /** What is to come there next. */
  awaited(channel: string): string | undefined {
    return this.#expected.find((one) => one.channel === channel && !this.#met.includes(one))?.says;
  }

  /** Seen, and good as it is. */
  note(says: string): void {
    this.#observed.push(says);
  }

  find(finding: Finding): void {
    if (this.#finding?.verdict !== "fail") this.#finding = this.#finding === undefined || finding.verdict === "fail" ? finding : this.#finding;
    this.#settled?.();
  }

  /** Waits until everything has come, or something is wrong. */
  async complete(withinMs: number): Promise<void> {
    if (this.#isComplete || this.#finding) return;
    await new Promise<void>((resolve) => {
      const late = setTimeout(resolve, withinMs);
      this.#settled = () => {
        clearTimeout(late);
        resolve();
      };
    });
    this.#settled = undefined;
    if (!this.#isComplete && !this.#finding) this.find(wrong(`did not come within ${withinMs} ms: ${this.missing.join("; ")}`));
  }

  get #isComplete(): boolean {
    return this.#met.length === this.#expected.length;
  }

  get missing(): readonly string[] {
    return this.#expected.filter((one) => !this.#met.includes(one)).map(({ says }) => says);
  }

  get expected(): readonly string[] {
    return this.#expected.map(({ says }) => says);
  }

  get observed(): readonly string[] {
    return [...this.#observed];
  }

  get finding(): Finding | undefined {
    return this.#finding;
  }
}
