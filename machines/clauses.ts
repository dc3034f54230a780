/** The documents the project cites, pinned. The key is the short name that every citation uses. */
export const documents = {
  "CPM-CR": "Change request to OMA-TS-CPM_Conversation_Function-V2_0: changes 1 (section 9.3.1) and 2 (section 4.2)",
  "CPM-CONV": "OMA-TS-CPM_Conversation_Function-V2_0, the sections that the change request builds on",
  "RFC 2045": "MIME Part One: Format of Internet Message Bodies, November 1996",
  "RFC 2046": "MIME Part Two: Media Types, November 1996",
  "RFC 2183": "The Content-Disposition Header Field, August 1997",
  "RFC 2392": "Content-ID and Message-ID Uniform Resource Locators, August 1998",
  "RFC 3261": "SIP: Session Initiation Protocol, June 2002, as updated by RFC 6026",
  "RFC 3262": "Reliability of Provisional Responses in SIP, June 2002",
  "RFC 3263": "SIP: Locating SIP Servers, June 2002",
  "RFC 3264": "An Offer/Answer Model with SDP, June 2002",
  "RFC 3265": "SIP-Specific Event Notification, June 2002 (obsoleted by RFC 6665)",
  "RFC 3311": "The SIP UPDATE Method, October 2002",
  "RFC 3325": "Private Extensions to SIP for Asserted Identity within Trusted Networks, November 2002",
  "RFC 3326": "The Reason Header Field for SIP, December 2002",
  "RFC 3428": "SIP Extension for Instant Messaging, December 2002",
  "RFC 3515": "The SIP Refer Method, April 2003",
  "RFC 3581": "Symmetric Response Routing, August 2003",
  "RFC 3840": "Indicating User Agent Capabilities in SIP, August 2004",
  "RFC 3841": "Caller Preferences for SIP, August 2004",
  "RFC 3862": "Common Presence and Instant Messaging (CPIM): Message Format, August 2004",
  "RFC 3892": "The SIP Referred-By Mechanism, September 2004",
  "RFC 3994": "Indication of Message Composition for Instant Messaging, January 2005",
  "RFC 4028": "Session Timers in SIP, April 2005",
  "RFC 4475": "SIP Torture Test Messages, May 2006",
  "RFC 4488": "Suppression of SIP REFER Method Implicit Subscription, May 2006",
  "RFC 4566": "SDP: Session Description Protocol, July 2006",
  "RFC 4575": "A SIP Event Package for Conference State, August 2006",
  "RFC 4579": "SIP Call Control: Conferencing for User Agents, August 2006",
  "RFC 4826": "XML Formats for Representing Resource Lists, May 2007",
  "RFC 4975": "The Message Session Relay Protocol (MSRP), September 2007",
  "RFC 4976": "Relay Extensions for MSRP, September 2007",
  "RFC 5363": "Framework and Security Considerations for SIP URI-List Services, October 2008",
  "RFC 5364": "XML Format Extension for Representing Copy Control Attributes in Resource Lists, October 2008",
  "RFC 5365": "Multiple-Recipient MESSAGE Requests in SIP, October 2008",
  "RFC 5366": "Conference Establishment Using Request-Contained Lists in SIP, October 2008",
  "RFC 5368": "Referring to Multiple Resources in SIP, October 2008",
  "RFC 5438": "Instant Message Disposition Notification, February 2009",
  "RFC 5547": "An SDP Offer/Answer Mechanism to Enable File Transfer, May 2009",
  "RFC 5626": "Managing Client-Initiated Connections in SIP, October 2009",
  "RFC 6026": "Correct Transaction Handling for 2xx Responses to SIP INVITE Requests, September 2010",
  "RFC 6050": "A SIP Extension for the Identification of Services, November 2010",
  "RFC 6135": "An Alternative Connection Model for MSRP, February 2011",
  "RFC 6665": "SIP-Specific Event Notification, July 2012",
  "RFC 6714": "Connection Establishment for Media Anchoring (CEMA) for MSRP, August 2012",
  "RFC 7701": "Multi-party Chat Using MSRP, December 2015",
  XML: "Extensible Markup Language (XML) 1.0, Fifth Edition, November 2008",
} as const;

export type Document = keyof typeof documents;

/** One clause of one pinned document, e.g. `"RFC 4975 §7.3.1"`. */
export type Clause = `${Document} §${string}`;

export type Clauses = readonly [Clause, ...Clause[]];

/**
 * The `meta` of every state and every transition, and the grounds of every policy and refusal: why it is so.
 *
 * Either a clause says it, or the clauses are silent and we decided. The two
 * are never mixed: a decision printed as a citation is a forgery.
 */
export type Grounds =
  | { readonly cites: Clauses }
  | { readonly decides: string; readonly beside: Clauses };
