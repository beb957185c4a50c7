// What an open session shows while nothing runs in it: how it ended, and what can be started.
import type { Session } from "../api/types";
import { agentOf, baseOf, commandOf, endOf, issueOf } from "../state/facts";
import { textButton } from "./button";
import { h } from "./dom";
import type { Deeds } from "./pane";
import { age } from "./time";

export function restCard(session: Session, deeds: Deeds): HTMLElement {
  const said = session.ended
    ? `Its program ended ${age(session.ended.at)} ago: ${endOf(session.ended)}.`.replace("now ago", "just now")
    : "Nothing runs in it yet.";
  const facts: [string, string | null][] = [
    ["Branch", session.branch],
    ["Base", baseOf(session) || null],
    ["Issue", issueOf(session)],
    ["Agent", agentOf(session)],
    ["Last command", commandOf(session)],
    ["Folder", session.worktreePath],
  ];
  const list = h("dl", { class: "facts" });
  for (const [key, value] of facts) if (value) list.append(h("dt", {}, key), h("dd", {}, value));
  const buttons = h("div", { class: "rest-buttons" });
  if (!deeds.readOnly()) {
    const ran = session.command !== undefined || agentOf(session) !== null;
    if (ran) buttons.append(textButton("Start again", () => deeds.resume(session), "primary"));
    buttons.append(textButton(ran ? "Start something else…" : "Start…", () => deeds.start(session), ran ? "" : "primary"));
  }
  return h("div", { class: "rest" }, h("h2", {}, session.name), h("p", { class: "muted" }, said), buttons, list);
}
