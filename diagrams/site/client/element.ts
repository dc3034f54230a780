/** Elements of the page: whatever is said in them is text, never markup. */

export type Child = Node | string | number | false | undefined | readonly Child[];
export type Attributes = { readonly [name: string]: string | number | boolean | undefined | ((event: never) => void) };

/** `h("a", { href, onclick }, "text")`. An attribute that is false or undefined is not there. */
export function h<T extends keyof HTMLElementTagNameMap>(tag: T, attributes: Attributes = {}, ...children: readonly Child[]): HTMLElementTagNameMap[T] {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") element.addEventListener(name.slice(2), value as EventListener);
    else if (value !== undefined && value !== false) element.setAttribute(name, value === true ? "" : String(value));
  }
  append(element, children);
  return element;
}

export function append(to: Element, children: readonly Child[]): void {
  for (const child of children) {
    if (child === false || child === undefined) continue;
    if (child instanceof Node) to.append(child);
    else if (typeof child === "object") append(to, child);
    else to.append(String(child));
  }
}

export function replace(inside: Element, ...children: readonly Child[]): void {
  inside.replaceChildren();
  append(inside, children);
}

/** A picture that the project printed, as elements of this page. */
export function picture(svg: string): SVGSVGElement {
  const { documentElement } = new DOMParser().parseFromString(svg, "image/svg+xml");
  return document.importNode(documentElement, true) as unknown as SVGSVGElement;
}

/** A table that scrolls in itself where the window is too narrow for it. */
export function table(caption: string, head: readonly Child[], rows: readonly (readonly Child[])[], attributes: Attributes = {}): HTMLElement {
  return h(
    "div",
    { class: "scroll", tabindex: 0, role: "region", "aria-label": caption },
    h(
      "table",
      attributes,
      h("caption", { class: "unseen" }, caption),
      h("thead", {}, h("tr", {}, head.map((name) => h("th", { scope: "col" }, name)))),
      h("tbody", {}, rows.map((cells) => h("tr", {}, cells.map((cell) => h("td", {}, cell))))),
    ),
  );
}

/** Nothing where there is nothing. */
export const list = (items: readonly Child[], attributes: Attributes = {}): HTMLElement | undefined => (items.length === 0 ? undefined : h("ul", attributes, items.map((item) => h("li", {}, item))));
