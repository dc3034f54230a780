import type { Flow } from "./transport.ts";

/** Where a user's device can be reached. @see RFC 3261 §10.3 */
export interface Binding {
  /** The Contact's URI. */
  readonly uri: string;
  /** The Contact header field's value as it came: feature tags, q, +sip.instance. */
  readonly contact: string;
  /** +sip.instance, which tells the user's devices apart. @see RFC 5626 §4.1 */
  readonly instance: string | undefined;
  readonly regId: string | undefined;
  /** 0 to 1. */
  readonly q: number;
  /** On the endpoint's clock. */
  readonly expiresAt: number;
  /** The connection that the registration came on, used while it is open. @see RFC 5626 §5.3 */
  readonly flow: Flow;
  readonly path: readonly string[];
}
