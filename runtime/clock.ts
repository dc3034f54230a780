/** Time as the runtime sees it; injected, so that every timer also runs under a virtual clock. */
export interface Clock {
  /** Milliseconds of a clock that never goes back. */
  now(): number;
  /** Milliseconds since the epoch, for what is stored or shown; never for order or intervals. */
  wall(): number;
  /** Calls `fire` once after `ms` milliseconds, unless stopped. Any length is right: long ones are served in pieces. */
  after(ms: number, fire: () => void): Timer;
}

/** A running timer. */
export interface Timer {
  stop(): void;
}

/** The longest delay that `setTimeout` serves; a longer one would fire at once. */
const longest = 2 ** 31 - 1;

/** The machine's own clock. Its timers do not keep the process alive. */
export const systemClock: Clock = {
  now: () => performance.now(),
  wall: () => Date.now(),
  after(ms, fire) {
    if (ms <= longest) {
      const handle = setTimeout(fire, ms);
      handle.unref();
      return { stop: () => clearTimeout(handle) };
    }
    let rest: Timer = systemClock.after(longest, () => {
      rest = systemClock.after(ms - longest, fire);
    });
    return { stop: () => rest.stop() };
  },
};
