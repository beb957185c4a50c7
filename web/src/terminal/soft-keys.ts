// The keys that a phone's keyboard does not have, in a row below the terminal.
import { withControl } from "../state/typed";
import { h } from "../view/dom";

export interface SoftKeysTarget {
  /** Types this into the terminal. */
  type(text: string): void;
  /** Whether cursor keys are sent in their other form. */
  applicationCursor(): boolean;
  paste(text: string): void;
  focus(): void;
}

const KEYS: [string, string, string][] = [
  ["esc", "Escape", "\x1b"],
  ["tab", "Tab", "\t"],
  ["ctrl", "Control, for the next key", ""],
  ["←", "Left", "D"],
  ["↑", "Up", "A"],
  ["↓", "Down", "B"],
  ["→", "Right", "C"],
  ["^C", "Control C", "\x03"],
  ["/", "Slash", "/"],
  ["|", "Pipe", "|"],
  ["-", "Dash", "-"],
  ["~", "Tilde", "~"],
];

export class SoftKeys {
  readonly element: HTMLElement;
  #ctrl: HTMLButtonElement | null = null;

  constructor(private readonly target: SoftKeysTarget) {
    this.element = h("div", { class: "soft-keys", role: "toolbar", "aria-label": "Keys" });
    for (const [face, name, text] of KEYS) {
      // The terminal keeps the focus, or the phone's keyboard would go away.
      const keep = (event: Event): void => event.preventDefault();
      const button = h(
        "button",
        { type: "button", tabindex: -1, "aria-label": name, onpointerdown: keep, onmousedown: keep, onclick: () => this.#press(name, text) },
        face,
      );
      if (face === "ctrl") {
        button.setAttribute("aria-pressed", "false");
        this.#ctrl = button;
      }
      this.element.append(button);
    }
    if ("clipboard" in navigator && "readText" in navigator.clipboard) {
      const paste = (): void => void navigator.clipboard.readText().then((text) => target.paste(text), () => undefined);
      this.element.append(h("button", { type: "button", tabindex: -1, "aria-label": "Paste", onclick: paste }, "paste"));
    }
  }

  #press(name: string, text: string): void {
    const isArrow = "ABCD".includes(text) && text !== "";
    if (text === "") this.#setCtrl(!this.#hasCtrl());
    else if (isArrow) this.target.type(this.#arrow(text));
    else this.target.type(this.changed(text));
    if (name !== "Paste") this.target.focus();
  }

  #arrow(letter: string): string {
    if (this.#hasCtrl()) {
      this.#setCtrl(false);
      return `\x1b[1;5${letter}`;
    }
    return this.target.applicationCursor() ? `\x1bO${letter}` : `\x1b[${letter}`;
  }

  /** What was typed, with Control held when that was pressed before. */
  changed(text: string): string {
    if (!this.#hasCtrl() || text.length !== 1) return text;
    this.#setCtrl(false);
    return withControl(text);
  }

  #hasCtrl(): boolean {
    return this.#ctrl?.getAttribute("aria-pressed") === "true";
  }

  #setCtrl(on: boolean): void {
    this.#ctrl?.setAttribute("aria-pressed", String(on));
  }
}
