import type { Terms } from "./leg.ts";

/** What our half of a chat session says unless a script wants otherwise. */
export const chatTerms: Terms = {
  acceptTypes: ["message/cpim", "application/im-iscomposing+xml"],
  acceptWrappedTypes: ["text/plain", "message/imdn+xml", "application/im-iscomposing+xml"],
};

/** The token of a=chatroom that makes a group closed. */
export const closedGroup = "org.3gpp.urn%3Aurn-7%3A3gpp-application.ims.iari.rcs.closedgroupchat";
