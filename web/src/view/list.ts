// The list of sessions, with the field that finds one.
import type { Session } from "../api/types";
import { agentOf, issueOf } from "../state/facts";
import { textInput } from "./dialog";
import { fill, h } from "./dom";
import { Row } from "./row";

const AGE_MS = 15_000;

export interface ListState {
  open: readonly string[];
  front: string | null;
}

export class List {
  readonly element: HTMLElement;
  readonly find = textInput({ type: "search", class: "find", placeholder: "Find", "aria-label": "Find a session", "aria-keyshortcuts": "/" });
  #list = h("ul", { class: "rows", "aria-label": "Sessions" });
  #empty = h("div", { class: "empty" });
  #rows = new Map<string, Row>();
  #sessions: readonly Session[] = [];

  constructor(
    private readonly state: () => ListState,
    private readonly open: (id: string) => void,
    private readonly emptyText: () => string,
  ) {
    this.element = h("div", { class: "list" }, this.find, this.#list, this.#empty);
    this.find.addEventListener("input", () => this.draw());
    this.find.addEventListener("keydown", (event) => {
      if (event.key === "Escape") {
        this.find.value = "";
        this.draw();
        this.focus();
      } else if (event.key === "Enter" || event.key === "ArrowDown") {
        event.preventDefault();
        this.focus();
      }
    });
    setInterval(() => this.draw(), AGE_MS);
  }

  show(sessions: readonly Session[]): void {
    this.#sessions = sessions;
    this.draw();
  }

  draw(): void {
    const wanted = this.find.value.trim().toLowerCase();
    const { open, front } = this.state();
    const shown = this.#sessions.filter((it) => wanted === "" || matches(it, wanted));
    for (const [id, row] of this.#rows) {
      if (!shown.some((it) => it.id === id)) {
        row.element.remove();
        this.#rows.delete(id);
      }
    }
    shown.forEach((session, at) => {
      let row = this.#rows.get(session.id);
      if (!row) {
        row = new Row(session.id, () => this.open(session.id));
        this.#rows.set(session.id, row);
      }
      row.update(session, open.includes(session.id), front === session.id);
      if (this.#list.children[at] !== row.element) this.#list.insertBefore(row.element, this.#list.children[at] ?? null);
    });
    const nothing = shown.length === 0;
    this.#empty.hidden = !nothing;
    fill(this.#empty, nothing && (wanted === "" ? this.emptyText() : `Nothing has \`${wanted}\` in it.`));
  }

  /** The session whose row has the focus. */
  focused(): string | null {
    const row = document.activeElement?.closest<HTMLElement>(".row");
    return row && this.#list.contains(row) ? (row.dataset["id"] ?? null) : null;
  }

  /** Puts the focus on a row: the given one, else the one in front, else the first. */
  focus(id?: string | null): void {
    const row = this.#rows.get(id ?? this.state().front ?? "") ?? [...this.#rows.values()][0];
    const first = this.#list.querySelector<HTMLElement>(".row");
    (row?.button ?? first)?.focus();
  }

  /** Moves the focus by so many rows. */
  move(by: number): void {
    const buttons = [...this.#list.querySelectorAll<HTMLElement>(".row")];
    if (buttons.length === 0) return;
    const now = buttons.findIndex((it) => it === document.activeElement);
    const start = now < 0 ? (by > 0 ? -1 : buttons.length) : now;
    const next = buttons[Math.min(buttons.length - 1, Math.max(0, start + by))];
    next?.focus();
    next?.scrollIntoView({ block: "nearest" });
  }
}

function matches(session: Session, wanted: string): boolean {
  const texts = [session.name, session.branch, session.id, session.status, agentOf(session), issueOf(session), session.currentPhase];
  return texts.some((it) => it?.toLowerCase().includes(wanted));
}
