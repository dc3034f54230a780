import type { Clock, Timer } from "../clock.ts";
import type { InviteDialog } from "../sip/invite-dialog.ts";
import type { SessionTimer } from "../sip/session-timer.ts";

/** How long before its expiry a session that nobody refreshed is ended: a third of the interval, at most 32 s. @see RFC 4028 §10 */
const endEarlyMs = (intervalMs: number): number => Math.min(32_000, intervalMs / 3);

/** Keeps the session timer of one dialog: refreshes where that is our part, and says when nobody did. @see RFC 4028 §10 */
export class SessionRefresh {
  readonly #clock: Clock;
  readonly #dialog: InviteDialog;
  readonly #onExpired: () => void;
  #timer: Timer | undefined;

  constructor(clock: Clock, dialog: InviteDialog, onExpired: () => void) {
    this.#clock = clock;
    this.#dialog = dialog;
    this.#onExpired = onExpired;
    this.restart(dialog.sessionTimer);
  }

  restart(negotiated: SessionTimer | undefined): void {
    this.stop();
    if (negotiated === undefined) return;
    const { sessionExpiresMs, weRefresh } = negotiated;
    this.#timer = weRefresh
      ? this.#clock.after(sessionExpiresMs / 2, () => this.#dialog.refresh())
      : this.#clock.after(sessionExpiresMs - endEarlyMs(sessionExpiresMs), this.#onExpired);
  }

  stop(): void {
    this.#timer?.stop();
  }
}
