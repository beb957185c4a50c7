// The mark and the word for a session's status: never the colour alone.
import type { Session } from "../api/types";
import { h } from "./dom";

const MARKS: Record<string, string> = { active: "●", waiting: "◆", idle: "○", error: "✕", stopped: "■" };

export function statusMark(session: Session): HTMLElement {
  const status = session.status in MARKS ? session.status : "idle";
  const isEmpty = status === "active" && !session.running;
  return h("span", { class: `mark ${status}`, "aria-hidden": "true", title: statusTip(session) }, isEmpty ? "○" : MARKS[status]);
}

/** In more words: an active session in which no program runs says so. */
export function statusTip(session: Session): string {
  return session.status === "active" && !session.running ? "active, nothing runs" : session.status;
}
