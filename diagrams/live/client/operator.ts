/** Asks the server, shows it the token where it wants one, and says what went wrong. */
import type { Told } from "./shapes.ts";

/** The server answered, and not as one wishes. */
export class Refused extends Error {
  readonly status: number;

  constructor(status: number, detail: string) {
    super(detail);
    this.status = status;
  }
}

/** There was no answer, or it broke off. */
export class Unreachable extends Error {}

/** A stream says that it lives every 15 s. */
const silenceMs = 40_000;
const answerMs = 10_000;
const tokenKey = "cpm-admin-token";

export class Operator {
  /** Asks for the token; `again`: the one that was shown is not it. */
  readonly #askForToken: (again: boolean) => Promise<string>;
  #asking: Promise<void> | undefined;
  /** How far the server's clock is before ours. */
  #aheadMs = 0;

  constructor(askForToken: (again: boolean) => Promise<string>) {
    this.#askForToken = askForToken;
  }

  /** Milliseconds since the epoch, by the server's clock. */
  get now(): number {
    return Date.now() + this.#aheadMs;
  }

  get hasToken(): boolean {
    return sessionStorage.getItem(tokenKey) !== null;
  }

  forgetToken(): void {
    sessionStorage.removeItem(tokenKey);
  }

  /** @throws {Refused} @throws {Unreachable} */
  async get<T>(path: string): Promise<T> {
    return (await (await this.#ask(path, {})).json()) as T;
  }

  /** @throws {Refused} @throws {Unreachable} */
  async delete(path: string): Promise<void> {
    await this.#ask(path, { method: "DELETE" });
  }

  /** Server-sent events, until the server ends them, nothing comes any more or `over` says so. @throws {Refused} @throws {Unreachable} */
  async *stream(path: string, over: AbortSignal): AsyncGenerator<Told> {
    const silence = new AbortController();
    const slow = setTimeout(() => silence.abort(), silenceMs);
    const answer = await this.#ask(path, { signal: AbortSignal.any([over, silence.signal]) }).finally(() => clearTimeout(slow));
    const chunks = answer.body!.pipeThrough(new TextDecoderStream()).getReader();
    let text = "";
    for (;;) {
      const late = setTimeout(() => silence.abort(), silenceMs);
      const { done, value } = await chunks.read().catch(() => {
        throw new Unreachable("the connection broke");
      }).finally(() => clearTimeout(late));
      if (done) return;
      const frames = (text + value).split("\n\n");
      text = frames.pop()!;
      for (const frame of frames) {
        const [, event, data] = /^event: (\w+)\ndata: (.*)$/.exec(frame) ?? [];
        if (event !== undefined) yield { event, data: JSON.parse(data!) } as Told;
      }
    }
  }

  async #ask(path: string, init: RequestInit): Promise<Response> {
    for (;;) {
      const token = sessionStorage.getItem(tokenKey);
      // Without credentials of the browser's own, it does not ask for them in a window of its own either.
      const answer = await fetch(path, { credentials: "omit", cache: "no-store", signal: AbortSignal.timeout(answerMs), ...init, headers: token === null ? {} : { authorization: `Bearer ${token}` } }).catch(() => {
        throw new Unreachable("the server does not answer");
      });
      const date = Date.parse(answer.headers.get("date") ?? "");
      // The header field has whole seconds: half of one is what it leaves out on average.
      if (Math.abs(date + 500 - this.now) > 1_500) this.#aheadMs = date + 500 - Date.now();
      if (answer.ok) return answer;
      if (answer.status !== 401) throw new Refused(answer.status, await detailOf(answer));
      // Whoever asks meanwhile waits for the same token.
      if (sessionStorage.getItem(tokenKey) === token) await (this.#asking ??= this.#learnToken(token !== null).finally(() => (this.#asking = undefined)));
    }
  }

  async #learnToken(again: boolean): Promise<void> {
    this.forgetToken();
    sessionStorage.setItem(tokenKey, await this.#askForToken(again));
  }
}

async function detailOf(answer: Response): Promise<string> {
  const problem = (await answer.json().catch(() => ({}))) as { readonly detail?: string };
  return problem.detail ?? `${answer.status} ${answer.statusText}`;
}
