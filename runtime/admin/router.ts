/** A path that was found: its template, and what stands in the place of each `{…}`. */
export interface Found<T extends string> {
  readonly template: T;
  readonly values: Readonly<Record<string, string>>;
}

/** Finds the template, `/api/groups/{id}`, that a path is of. Values are as they were written, percent signs included. */
export class Router<T extends string> {
  readonly #templates: readonly { readonly template: T; readonly pattern: RegExp; readonly names: readonly string[] }[];

  constructor(templates: readonly T[]) {
    this.#templates = templates.map((template) => {
      const pattern = new RegExp(`^${template.replaceAll(".", "\\.").replaceAll(/\{\w+\}/g, "([^/]+)")}$`);
      return { template, pattern, names: [...template.matchAll(/\{(\w+)\}/g)].map(([, name]) => name!) };
    });
  }

  find(path: string): Found<T> | undefined {
    for (const { template, pattern, names } of this.#templates) {
      const match = pattern.exec(path);
      if (match) return { template, values: Object.fromEntries(names.map((name, at) => [name, match[at + 1]!])) };
    }
    return undefined;
  }
}
