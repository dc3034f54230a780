/** Where in the site one is: the part of the address after `#`. */
import type { Child } from "./element.ts";

export interface Route {
  readonly path: readonly string[];
  readonly query: URLSearchParams;
}

export interface View {
  readonly title: string;
  readonly content: Child;
  /** Takes a route that leads elsewhere within this view; false where another view has to be made. */
  readonly follow?: (route: Route) => boolean;
  /** Called when another view takes its place. */
  readonly leave?: () => void;
}

export function routeOf(hash: string): Route {
  const [path = "", query = ""] = hash.replace(/^#\/?/, "").split("?", 2);
  return { path: path.split("/").filter(Boolean).map(decoded), query: new URLSearchParams(query) };
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** `to(["machine", name], { at: 3 })`: an address within the site. */
export function to(path: readonly (string | number)[], query: { readonly [name: string]: string | number } = {}): string {
  const words = new URLSearchParams(Object.entries(query).map(([name, value]) => [name, String(value)])).toString();
  return `#/${path.map((part) => encodeURIComponent(part)).join("/")}${words === "" ? "" : `?${words}`}`;
}
