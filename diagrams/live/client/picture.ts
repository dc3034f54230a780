/** Pictures of the project's own as elements of the page: of what stands in them only what draws is taken over. */

const drawing = new Set(["svg", "g", "path", "rect", "circle", "ellipse", "line", "polyline", "polygon", "text", "tspan", "title", "desc", "defs", "marker", "symbol", "use", "clipPath"]);
const namespace = "http://www.w3.org/2000/svg";

interface Policy {
  createHTML(text: string): string;
}

declare const trustedTypes: { createPolicy(name: string, rules: Policy): Policy } | undefined;

/** A style sheet would be complained of as soon as it is read: this page has it in a file. */
const rules: Policy = { createHTML: (svg) => svg.replaceAll(/<style>[^<]*<\/style>/g, "") };

/** Where the browser wants to be told what may become markup, this is the one place that says so. */
const policy: Policy = typeof trustedTypes === "undefined" ? rules : trustedTypes.createPolicy("picture", rules);

/** @throws {Error} it is no picture */
export function picture(svg: string): SVGSVGElement {
  const { documentElement } = new DOMParser().parseFromString(policy.createHTML(svg), "image/svg+xml");
  if (documentElement.namespaceURI !== namespace || documentElement.localName !== "svg") throw new Error("this is no picture");
  return copied(documentElement) as SVGSVGElement;
}

function copied(element: Element): Element {
  const copy = document.createElementNS(namespace, element.localName);
  for (const { name, value } of element.attributes) if (isPlain(name, value)) copy.setAttribute(name, value);
  for (const child of element.childNodes) {
    if (child instanceof Text) copy.append(child.data);
    else if (child instanceof Element && child.namespaceURI === namespace && drawing.has(child.localName)) copy.append(copied(child));
  }
  return copy;
}

/** No script, no style, and nothing from elsewhere: references lead to the picture itself. */
function isPlain(name: string, value: string): boolean {
  if (/^on|^style$|^xmlns|^xml:/i.test(name)) return false;
  if (/^(xlink:)?href$/i.test(name)) return value.startsWith("#");
  return !/url\((?!["']?#)/i.test(value);
}
