// The dialog that asks before a key ends a program: a letter that was meant for a terminal must not.
import type { Session } from "../api/types";
import { commandOf } from "../state/facts";
import { openDialog } from "./dialog";
import { h } from "./dom";

export function openStop(session: Session, stop: () => void): void {
  const what = commandOf(session);
  openDialog(
    { title: `Stop ${session.name}`, does: "Stop", kind: "danger", submit: () => Promise.resolve(stop()) },
    h("p", {}, "Its program is ended", ...(what ? [": ", h("code", {}, what)] : []), ". Branch, files and notes stay."),
  );
}
