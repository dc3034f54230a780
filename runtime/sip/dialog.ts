/** The state that two user agents share. @see RFC 3261 §12 */
export interface Dialog { readonly callId: string; }
