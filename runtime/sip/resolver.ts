import type { Target } from "./transport.ts";
import type { Uri } from "./uri.ts";

/** The part of `node:dns/promises` that is used. */
export interface Dns {
  resolveNaptr(name: string): Promise<readonly { flags: string; service: string; replacement: string; order: number; preference: number }[]>;
  resolveSrv(name: string): Promise<readonly { name: string; port: number; priority: number; weight: number }[]>;
  resolve4(name: string): Promise<readonly string[]>;
  resolve6(name: string): Promise<readonly string[]>;
}

/** Finds the targets of a SIP URI, best first; an empty list when there is none. @see RFC 3263 §4 */
export class Resolver {
  constructor(_options: { readonly dns?: Dns; readonly maxTargets?: number; chance?(): number } = {}) {}
  resolve(_uri: Uri): Promise<Target[]> {
    throw new Error("not yet");
  }
}
