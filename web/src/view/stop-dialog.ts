// The dialog that asks before a program is ended: a letter that was meant for a terminal must not do it, nor a press beside
// the button that was meant.
import type { Session } from "../api/types";
import { commandOf } from "../state/facts";
import { openDialog } from "./dialog";
import { h } from "./dom";

const AFTERWARDS = { Stop: ". Branch, files and notes stay.", Restart: ", and started again. Branch, files and notes stay." };

export function openStop(session: Session, does: keyof typeof AFTERWARDS, deed: () => void): void {
  const what = commandOf(session);
  openDialog(
    { title: `${does} ${session.name}`, does, kind: "danger", submit: () => Promise.resolve(deed()) },
    h("p", {}, "Its program is ended", ...(what ? [": ", h("code", {}, what)] : []), AFTERWARDS[does]),
  );
}
