// One session in the list.
import type { Session } from "../api/types";
import { agentOf, issueOf } from "../state/facts";
import { changeChips } from "./chips";
import { fill, h } from "./dom";
import { statusMark, statusTip } from "./status";
import { age } from "./time";

export class Row {
  readonly element: HTMLLIElement;
  readonly button: HTMLButtonElement;
  #shown = "";

  constructor(readonly id: string, open: () => void) {
    this.button = h("button", { type: "button", class: "row", onclick: open, "data-id": id });
    this.element = h("li", {}, this.button);
  }

  update(session: Session, isOpen: boolean, isFront: boolean): void {
    // Only what changed is drawn again, so that a selection or a tip stays.
    const shown = JSON.stringify([session, isOpen, isFront, age(session.lastActivity), old(session)]);
    if (shown === this.#shown) return;
    this.#shown = shown;
    this.button.classList.toggle("open", isOpen);
    this.button.classList.toggle("front", isFront);
    this.button.classList.toggle("waits", session.status === "waiting");
    if (isFront) this.button.setAttribute("aria-current", "true");
    else this.button.removeAttribute("aria-current");
    const facts = [agentOf(session), issueOf(session), session.currentPhase].filter((it): it is string => Boolean(it));
    facts.push(old(session));
    fill(
      this.button,
      h(
        "span",
        { class: "row-line" },
        statusMark(session),
        h("span", { class: "row-name" }, session.name),
        h("span", { class: "row-age", title: `last activity ${session.lastActivity}` }, age(session.lastActivity)),
      ),
      h("span", { class: "row-line second" }, h("span", { class: "mono row-branch" }, session.branch), changeChips(session)),
      h(
        "span",
        { class: "row-line third" },
        h("span", { class: `word ${session.status}`, title: statusTip(session) }, session.status),
        ...facts.map((it) => h("span", { class: "fact" }, it)),
      ),
    );
  }
}

/** How long ago it was made, in words. */
function old(session: Session): string {
  const made = age(session.createdAt);
  return made === "now" ? "new" : `${made} old`;
}
