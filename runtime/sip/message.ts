import type { NameAddr, Params } from "./uri.ts";
export type { NameAddr, Params };

/** One value of a Via header field. */
export interface Via {
  /** In upper case. */
  readonly transport: string;
  readonly host: string;
  readonly port: number | undefined;
  readonly params: Params;
  readonly raw: string;
}

export interface CSeq {
  readonly seq: number;
  readonly method: string;
}

/** One line of the header: its name as it was spelled, the key that all its spellings share (long form, lower case), its value. */
export interface HeaderField {
  readonly name: string;
  readonly key: string;
  readonly value: string;
}

/** A request or a response. Strings are octets (latin1); see `octetsToText`. */
export class SipMessage {
  method = "";
  uri = "";
  status = 0;
  reason = "";
  body: Buffer = Buffer.alloc(0);
  static request(_method: string, _uri: string): SipMessage { throw new Error("skeleton"); }
  static response(_status: number, _reason?: string): SipMessage { throw new Error("skeleton"); }
  get fields(): readonly HeaderField[] { throw new Error("skeleton"); }
  get isRequest(): boolean { return this.status === 0; }
  get(_name: string): string | undefined { throw new Error("skeleton"); }
  getAll(_name: string): string[] { throw new Error("skeleton"); }
  list(_name: string): string[] { throw new Error("skeleton"); }
  has(_name: string, _token: string): boolean { throw new Error("skeleton"); }
  add(_name: string, _value: string): this { throw new Error("skeleton"); }
  set(_name: string, _value: string): this { throw new Error("skeleton"); }
  prepend(_name: string, _value: string): this { throw new Error("skeleton"); }
  delete(_name: string): this { throw new Error("skeleton"); }
  get via(): readonly Via[] { throw new Error("skeleton"); }
  get from(): NameAddr { throw new Error("skeleton"); }
  get to(): NameAddr { throw new Error("skeleton"); }
  get cseq(): CSeq { throw new Error("skeleton"); }
  get callId(): string { throw new Error("skeleton"); }
  setTopVia(_raw: string): void { throw new Error("skeleton"); }
}

export function parseVia(_raw: string): Via { throw new Error("skeleton"); }
export function formatVia(_via: Omit<Via, "raw">): string { throw new Error("skeleton"); }
