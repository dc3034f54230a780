/** Lengths of time, octets and states as people read them. */

/** `4 s`, `3:07`, `2 h 5 min`, `3 days`. */
export function duration(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1_000));
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes}:${String(seconds % 60).padStart(2, "0")}`;
  const hours = Math.floor(minutes / 60);
  if (hours < 48) return `${hours} h ${minutes % 60} min`;
  return `${Math.floor(hours / 24)} days`;
}

export const clockTime = (ms: number): string => new Date(ms).toTimeString().slice(0, 8);

/** `3.0 MB`; octets are counted in thousands. */
export function octets(count: number): string {
  if (count < 1_000) return `${count} octets`;
  const units = ["kB", "MB", "GB", "TB"];
  let value = count / 1_000;
  let unit = 0;
  for (; value >= 999.95 && unit < units.length - 1; unit++) value /= 1_000;
  return `${value.toFixed(1)} ${units[unit]}`;
}

/** The innermost states: `active, quiet, ready`. */
export function leaves(state: unknown): string {
  if (typeof state === "string") return state;
  return Object.values(state as Readonly<Record<string, unknown>>).map(leaves).join(", ");
}

/** The ids of all states that a machine is in, outermost first. */
export function statesIn(machine: string, state: unknown): string[] {
  const below = (prefix: string, value: unknown): string[] => {
    if (typeof value === "string") return [`${prefix}.${value}`];
    return Object.entries(value as Readonly<Record<string, unknown>>).flatMap(([key, inner]) => [`${prefix}.${key}`, ...below(`${prefix}.${key}`, inner)]);
  };
  return below(machine, state);
}

/** `3 connected, 1 left`. */
export const counted = (counts: Readonly<Record<string, number>>): string => Object.entries(counts).flatMap(([name, count]) => (count > 0 ? [`${count} ${name}`] : [])).join(", ") || "nobody";

export const number = (count: number): string => count.toLocaleString("en");

/** What a machine remembers: `status connected, legs 1`; an entry of a list has a line of its own. */
export function remembered(value: unknown): string {
  if (Array.isArray(value)) return value.length === 0 ? "none" : value.map((each, at) => `${at}: ${remembered(each)}`).join("\n");
  if (value === null || typeof value !== "object") return String(value);
  return Object.entries(value).map(([name, inner]) => `${name} ${remembered(inner)}`).join(", ");
}

/** `msrp.SEND from=0 content=chat`; what is no plain word is JSON. */
export function said({ type, ...params }: { readonly type: string }): string {
  const word = (value: unknown): string => (typeof value === "string" || typeof value === "number" || typeof value === "boolean" ? String(value) : JSON.stringify(value));
  return [type, ...Object.entries(params).map(([name, value]) => `${name}=${word(value)}`)].join(" ");
}
