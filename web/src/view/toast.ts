// Short messages at the edge of the page: what went wrong, with code, detail and next step, or what can be undone.
import { Problem } from "../api/problem";
import { iconButton, textButton } from "./button";
import { h } from "./dom";

const NOTE_MS = 8_000;
const PROBLEM_MS = 20_000;

const shelf = h("div", { class: "toasts", role: "region", "aria-label": "Messages" });
const spoken = h("div", { class: "sr", "aria-live": "polite" });

export function mountToasts(): void {
  document.body.append(shelf, spoken);
}

function show(kind: string, ms: number, ...content: Node[]): HTMLElement {
  const toast = h("div", { class: `toast ${kind}` }, ...content);
  const timer = setTimeout(() => toast.remove(), ms);
  toast.append(
    iconButton("close", "Dismiss", () => {
      clearTimeout(timer);
      toast.remove();
    }),
  );
  shelf.append(toast);
  while (shelf.childElementCount > 4) shelf.firstElementChild?.remove();
  return toast;
}

export function note(text: string, action?: { label: string; press: () => void }): void {
  const toast = show("note", NOTE_MS, h("p", {}, text));
  if (action) {
    const button = textButton(action.label, () => {
      toast.remove();
      action.press();
    });
    toast.querySelector("p")?.after(button);
  }
  spoken.textContent = text;
}

export function problem(thrown: unknown): void {
  const it = Problem.from(thrown);
  show("problem", PROBLEM_MS, problemBody(it));
  spoken.textContent = `${it.message}. ${it.hint ?? ""}`;
}

/** A problem as a block, for a toast or a dialog. */
export function problemBody(it: Problem): HTMLElement {
  return h(
    "div",
    { class: "problem-body" },
    h("p", {}, h("code", {}, it.code), " ", it.message),
    it.hint !== null && h("p", { class: "hint" }, it.hint),
  );
}
