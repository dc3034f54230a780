/** The parameters of a header field or URI: names in lower case, values as on the wire (a quoted-string keeps its quotes), null without a value. */
export type Params = ReadonlyMap<string, string | null>;

export interface Uri {
  readonly scheme: string;
  readonly user?: string | undefined;
  readonly password?: string | undefined;
  readonly host: string;
  readonly port?: number | undefined;
  readonly params: Params;
  readonly headers: string | undefined;
  /** What follows the scheme, of a scheme other than sip, sips and tel. */
  readonly opaque?: string | undefined;
}

/** A name-addr or addr-spec; `params` are those of the header field. `display` is unescaped. All are octets (latin1). */
export interface NameAddr {
  readonly display: string;
  readonly uri: string;
  readonly params: Params;
}

export function parseUri(_text: string): Uri { throw new Error("skeleton"); }
export function formatUri(_uri: Uri): string { throw new Error("skeleton"); }
export function uriEquals(_a: Uri | string, _b: Uri | string): boolean { throw new Error("skeleton"); }
export function parseNameAddr(_text: string): NameAddr { throw new Error("skeleton"); }
export function formatNameAddr(_address: { readonly display?: string; readonly uri: string; readonly params?: Params }): string { throw new Error("skeleton"); }
/** A quoted-string that is safe in any header field. */
export function quote(_text: string): string { throw new Error("skeleton"); }
/** The content of a quoted-string; anything else as it is. */
export function unquote(_value: string): string { throw new Error("skeleton"); }
