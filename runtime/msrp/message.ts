/** How a chunk ends: `$` completes the message, `+` is followed by more, `#` abandons it. @see RFC 4975 §7.1 */
export type ContinuationFlag = "$" | "+" | "#";

/** The Byte-Range header field as written: positions count from 1 and both ends are inclusive. @see RFC 4975 §7.1.1 */
export interface ByteRange {
  readonly start: number;
  /** `"*"`: the sender may interrupt this chunk. */
  readonly end: number | "*";
  /** `"*"`: the sender does not know the size of the message. */
  readonly total: number | "*";
}

/** Which responses the sender of a request wants. @see RFC 4975 §7.2 */
export type FailureReport = "yes" | "no" | "partial";

/** Header fields that this layer carries and does not interpret, in order, as pairs of name and value. */
export type HeaderFields = readonly (readonly [name: string, value: string])[];

/** The start line and the header fields of a request. Text is latin1: one character an octet. */
export interface RequestHead {
  readonly transactionId: string;
  readonly method: string;
  readonly toPath: string;
  readonly fromPath: string;
  /** Empty where the request has none. */
  readonly messageId: string;
  readonly byteRange: ByteRange | undefined;
  readonly failureReport: FailureReport;
  readonly successReport: boolean;
  readonly contentType: string | undefined;
  /** The Status of a REPORT. */
  readonly status: ReportStatus | undefined;
  /** Everything else, e.g. Content-Disposition, Content-ID or an extension. */
  readonly headers: HeaderFields;
}

/** @see RFC 4975 §7.1.2 */
export interface ReportStatus {
  readonly status: number;
  readonly comment: string;
}

/** What a REPORT says of a range of an earlier message. @see RFC 4975 §7.1.2 */
export interface Report extends ReportStatus {
  readonly messageId: string;
  readonly byteRange: ByteRange;
}

/** The comments that go with the status codes of RFC 4975 §10 and RFC 7701 §11. */
export const comments: ReadonlyMap<number, string> = new Map([
  [200, "OK"],
  [400, "Unintelligible request"],
  [403, "Action not allowed"],
  [404, "Recipient unknown"],
  [408, "Transaction timed out"],
  [413, "Stop sending this message"],
  [415, "Media type not understood"],
  [423, "Parameter out of bounds"],
  [424, "Malformed nickname"],
  [425, "Nickname in use"],
  [428, "Private messages not supported"],
  [481, "Session does not exist"],
  [501, "Unknown method"],
  [506, "Session bound to another connection"],
]);
