/** Draws a list again without touching what has not changed: whoever is on an entry with the keyboard stays on it. */
export function keyed<T, E extends HTMLElement>(inside: HTMLElement, items: readonly T[], key: (item: T) => string, make: (item: T) => E, draw: (element: E, item: T) => void): void {
  const known = new Map([...inside.children].map((child) => [(child as E).dataset["key"]!, child as E]));
  const wanted = items.map((item) => {
    const element = known.get(key(item)) ?? make(item);
    element.dataset["key"] = key(item);
    draw(element, item);
    return element;
  });
  if (wanted.length === inside.children.length && wanted.every((element, at) => inside.children[at] === element)) return;
  const focused = document.activeElement;
  inside.replaceChildren(...wanted);
  if (focused instanceof HTMLElement && inside.contains(focused)) focused.focus({ preventScroll: true });
}

/** Says it, unless it says so already. */
export function say(element: Element, text: string): void {
  if (element.textContent !== text) element.textContent = text;
}
