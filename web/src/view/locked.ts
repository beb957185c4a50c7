// What the page shows to a browser that was not let in yet.
import { h } from "./dom";

export function lockedPage(): HTMLElement {
  return h(
    "main",
    { class: "locked" },
    h("h1", {}, "wharf"),
    h("p", {}, "This browser is not let in yet."),
    h("p", {}, "Run ", h("code", {}, "wharf open"), " where the sessions are, and open the address that it prints. It works once, within a minute."),
    h("p", { class: "muted" }, "After that this page opens by itself for a month, unless all browsers are logged out or many newer ones come."),
  );
}
