import { randomFillSync } from "node:crypto";

/** A source of unguessable tokens; injected, so that a test can repeat a run. */
export type Random = (bits: number) => string;

const pool = Buffer.alloc(8192);
let used = pool.length;

/**
 * `bits` random bits, a multiple of 8, as lower-case hexadecimal digits.
 *
 * Bytes come from a pool: one system call serves hundreds of branches and tags.
 */
export const systemRandom: Random = (bits) => {
  const octets = bits / 8;
  if (used + octets > pool.length) {
    randomFillSync(pool);
    used = 0;
  }
  used += octets;
  return pool.toString("hex", used - octets, used);
};
