// A dialog: modal, closed by Escape, gives the focus back, and says what went wrong inside itself.
import { Problem } from "../api/problem";
import { iconButton, textButton } from "./button";
import { fill, h } from "./dom";
import { problemBody } from "./toast";

export interface Dialog {
  body: HTMLElement;
  close(): void;
  fail(thrown: unknown): void;
}

export interface Ask {
  title: string;
  /** The button that does it; without one the dialog only shows something. */
  does?: string;
  kind?: "danger";
  /** Does it; the dialog closes when it went well. */
  submit?: (dialog: Dialog) => Promise<void>;
}

export function openDialog(ask: Ask, ...content: Node[]): Dialog {
  const body = h("div", { class: "dialog-body" }, ...content);
  const error = h("div", { class: "dialog-error", role: "alert" });
  const form = h("form", { method: "dialog" });
  const element = h("dialog", { class: "dialog", "aria-label": ask.title }, form);
  const back = document.activeElement;
  const dialog: Dialog = {
    body,
    close: () => element.close(),
    fail: (thrown) => {
      error.replaceChildren(problemBody(Problem.from(thrown)));
      error.scrollIntoView({ block: "nearest" });
    },
  };
  const cancel = textButton(ask.does ? "Cancel" : "Close", dialog.close);
  const foot = h("footer", {}, cancel);
  if (ask.does) {
    const button = h("button", { type: "submit", class: `button primary ${ask.kind ?? ""}` }, ask.does);
    foot.append(button);
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      if (button.disabled) return;
      error.replaceChildren();
      button.disabled = true;
      form.setAttribute("aria-busy", "true");
      const done = (): void => {
        button.disabled = false;
        form.removeAttribute("aria-busy");
      };
      (ask.submit?.(dialog) ?? Promise.resolve()).then(dialog.close, dialog.fail).finally(done);
    });
  }
  fill(form, h("header", {}, h("h2", {}, ask.title), iconButton("close", "Close", dialog.close)), body, error, foot);
  element.addEventListener("close", () => {
    // It is told later than it happens: what was opened meanwhile keeps the focus.
    const isNowhere = document.activeElement === document.body || element.contains(document.activeElement);
    element.remove();
    if (isNowhere && back instanceof HTMLElement && back.isConnected) back.focus();
  });
  element.addEventListener("click", (event) => event.target === element && element.close());
  document.body.append(element);
  element.showModal();
  // Enter right after the key that opened it must not destroy anything.
  const first = ask.kind === "danger" ? null : body.querySelector<HTMLElement>("input, select, textarea, button");
  (first ?? cancel).focus();
  return dialog;
}

export function dialogIsOpen(): boolean {
  return document.querySelector("dialog[open]") !== null;
}

/** A labelled field. */
export function field(label: string, control: HTMLElement, hint?: string): HTMLElement {
  const said = hint ? h("span", { class: "hint" }, hint) : null;
  return h("label", { class: "field" }, h("span", { class: "field-name" }, label), control, said);
}

export function textInput(attributes: Record<string, string | boolean> = {}): HTMLInputElement {
  const quiet = { autocomplete: "off", autocapitalize: "off", autocorrect: "off", spellcheck: "false" };
  return h("input", { type: "text", ...quiet, ...attributes });
}
