/** The session timer as negotiated. @see RFC 4028 §7.2, §9 */
export interface SessionTimer {
  /** From the last refresh on. */
  readonly sessionExpiresMs: number;
  /** We are the refresher: refresh at half the interval; else BYE when it has nearly passed. @see RFC 4028 §10 */
  readonly weRefresh: boolean;
}
