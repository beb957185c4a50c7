// The dialog that shows destroyed sessions and brings them back.
import * as api from "../api/client";
import type { Session, Trashed } from "../api/types";
import { textButton } from "./button";
import { openDialog, type Dialog } from "./dialog";
import { fill, h } from "./dom";
import { age } from "./time";

export function openTrash(back: (session: Session) => void): void {
  const list = h("ul", { class: "trash" }, h("li", { class: "muted" }, "Looking…"));
  const dialog = openDialog({ title: "Destroyed sessions" }, list);
  api.trash().then((all) => show(list, all, dialog, back), dialog.fail);
}

function show(list: HTMLElement, all: Trashed[], dialog: Dialog, back: (session: Session) => void): void {
  if (all.length === 0) {
    fill(list, h("li", { class: "muted" }, "Nothing was destroyed, or the trash was emptied."));
    return;
  }
  fill(list, ...all.map((it) => row(it, dialog, back)));
  list.querySelector("button")?.focus();
}

function row(it: Trashed, dialog: Dialog, back: (session: Session) => void): HTMLElement {
  const button = textButton("Bring back", () => {
    button.disabled = true;
    api
      .undo(it.id)
      .then((session) => {
        dialog.close();
        back(session);
      }, dialog.fail)
      .finally(() => (button.disabled = false));
  });
  button.setAttribute("aria-label", `Bring back ${it.name}`);
  const when = `destroyed ${age(it.destroyedAt)} ago`.replace("now ago", "just now");
  return h("li", {}, h("div", {}, h("strong", {}, it.name), h("span", { class: "mono muted" }, it.branch), h("span", { class: "muted" }, when)), button);
}
