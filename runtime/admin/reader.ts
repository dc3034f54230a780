import type { Observed, Watcher } from "./inspection.ts";

/** What waits for a reader; a reader that is further behind loses all of it. */
const waitingAtMost = 1_000;

/** Where what is seen goes to. */
export interface Outlet {
  /** It takes nothing now, and will say `Reader.proceed` when it does again. */
  readonly isBehind: boolean;
  /** Where everything stands: the first that a reader gets. */
  begin(): void;
  tell(seen: readonly Observed[]): void;
  /** So many were dropped; `begin` comes next, unless everything is over. */
  tellDropped(seen: number): void;
  end(): void;
}

/**
 * One reader between the turn, which waits for nobody, and its outlet, which may be slow.
 *
 * What one turn of the event loop saw leaves together. What cannot leave waits, up to a bound; beyond it is dropped whole, and the
 * reader is told how much it was and where everything stands now.
 */
export class Reader implements Watcher {
  readonly #outlet: Outlet;
  #waiting: Observed[] = [];
  #dropped = 0;
  #scheduled = false;
  #over = false;

  constructor(outlet: Outlet) {
    this.#outlet = outlet;
    outlet.begin();
  }

  see(observed: Observed): void {
    if (this.#dropped > 0) this.#dropped += 1;
    else if (this.#waiting.push(observed) > waitingAtMost) this.#drop();
    this.proceed();
  }

  #drop(): void {
    this.#dropped = this.#waiting.length;
    this.#waiting = [];
  }

  ended(): void {
    this.#over = true;
    this.proceed();
  }

  /** There is something to tell, or the outlet takes more. */
  proceed(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      if (!this.#outlet.isBehind) this.#tell();
    });
  }

  #tell(): void {
    const waiting = this.#waiting;
    const dropped = this.#dropped;
    this.#waiting = [];
    this.#dropped = 0;
    if (dropped > 0) this.#outlet.tellDropped(dropped);
    if (dropped > 0 && !this.#over) this.#outlet.begin();
    if (waiting.length > 0) this.#outlet.tell(waiting);
    if (this.#over) this.#outlet.end();
  }
}
