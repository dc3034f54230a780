/** What the operator's interface tells, as far as the page shows it; `/api/openapi.json` describes all of it. */

export interface GroupSummary {
  readonly id: string;
  readonly number: number;
  readonly identity: string;
  readonly state: string;
  readonly subject: string | null;
  readonly closed: boolean;
  readonly since: string;
  readonly participants: Readonly<Record<string, number>>;
  readonly transfers: number;
}

export interface Seat {
  readonly seat: number;
  readonly uri: string;
  readonly name: string | null;
  readonly status: string;
  readonly legs: number;
  readonly joiningMethod: string;
  readonly lastStatus: number | null;
  readonly dialogs: readonly { readonly instance: string; readonly device: string | null; readonly bound: boolean }[];
}

export interface Transfer {
  readonly id: string;
  readonly number: number;
  readonly group: string;
  readonly state: unknown;
  readonly since: string;
  readonly sender: { readonly seat: number | null; readonly uri: string };
  readonly direction: string;
  readonly file: { readonly name: string | null; readonly type: string | null; readonly octets: number | null };
  readonly receivedOctets: number;
  readonly recipients: readonly { readonly uri: string; readonly status: string }[];
}

export interface GroupShown extends GroupSummary {
  readonly seats: readonly Seat[];
  readonly fileTransfers: readonly Transfer[];
}

export interface RunningTimer {
  readonly timer: string;
  readonly leftMs: number;
}

export interface MachineShown {
  readonly machine: string;
  readonly instance: string;
  readonly state: unknown;
  readonly context: unknown;
  readonly over: boolean;
  readonly timers: readonly RunningTimer[];
}

export interface Typed {
  readonly type: string;
  readonly [name: string]: unknown;
}

export interface StepTold {
  readonly number: number;
  /** Milliseconds since the epoch. */
  readonly at: number;
  readonly machine: string;
  readonly instance: string;
  /** Of its first state alone. */
  readonly input?: unknown;
  readonly event?: Typed;
  readonly state: unknown;
  /** Left out while it stays as it was. */
  readonly context?: unknown;
  readonly effects: readonly Typed[];
  readonly taken: readonly { readonly rule: number }[];
  readonly handled: boolean;
  readonly refusal: { readonly protocol: string; readonly status?: number } | null;
  readonly over: boolean;
}

/** What the stream of a group tells. */
export type Told =
  | { readonly event: "snapshot"; readonly data: GroupShown & { readonly machines: readonly MachineShown[] } }
  | { readonly event: "step"; readonly data: StepTold }
  | { readonly event: "timers"; readonly data: { readonly machine: string; readonly instance: string; readonly timers: readonly RunningTimer[] } }
  | { readonly event: "dropped"; readonly data: { readonly seen: number } }
  | { readonly event: "ended"; readonly data: unknown };
