// How elements are made: text only ever becomes a text node, so nothing a session says can become markup.

type Child = Node | string | null | undefined | false;
type Attributes = Record<string, string | number | boolean | null | undefined | ((event: never) => void)>;

/** Makes an element. `on…` attributes are listeners, `true` is an empty attribute, `false` and null are none. */
export function h<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Attributes = {},
  ...children: Child[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (typeof value === "function") element.addEventListener(name.slice(2), value as EventListener);
    else element.setAttribute(name, value === true ? "" : String(value));
  }
  fill(element, ...children);
  return element;
}

/** Puts these children in place of whatever was there. */
export function fill(element: Element, ...children: Child[]): void {
  element.replaceChildren(...children.filter((it): it is Node | string => it !== null && it !== undefined && it !== false && it !== ""));
}

/** Sets a text only when it is another one, so that selections and screen readers are left in peace. */
export function say(element: Element, text: string): void {
  if (element.textContent !== text) element.textContent = text;
}
