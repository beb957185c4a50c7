// The dialog with all that is known about a session, where name, phase and issue can be changed.
import * as api from "../api/client";
import type { Session } from "../api/types";
import { agentOf, baseOf, commandOf, endOf, issueOf } from "../state/facts";
import { parseIssue } from "../state/typed";
import { field, openDialog, textInput } from "./dialog";
import { h } from "./dom";

export function openDetails(session: Session, readOnly: boolean, changed: () => void): void {
  const name = textInput({ name: "name", value: session.name });
  const phase = textInput({ name: "phase", value: session.currentPhase ?? "", placeholder: "none" });
  const issue = textInput({ name: "issue", value: issueOf(session) ?? "", placeholder: "owner/repo#42" });
  const facts: [string, string | null][] = [
    ["Id", session.id],
    ["Status", session.status],
    ["Branch", session.branch],
    ["Base", baseOf(session)],
    ["Folder", session.worktreePath],
    ["Worktree", session.worktreeState ?? null],
    ["Command", commandOf(session)],
    ["Agent", agentOf(session)],
    ["Process", session.ptyPid ? String(session.ptyPid) : null],
    ["Ended", session.ended ? `${endOf(session.ended)}, ${local(session.ended.at)}` : null],
    ["Created", local(session.createdAt)],
    ["Last activity", local(session.lastActivity)],
    ...Object.entries(session.metadata ?? {}).map(([key, value]): [string, string] => [key, JSON.stringify(value)]),
  ];
  const table = h("dl", { class: "facts" });
  for (const [key, value] of facts) if (value) table.append(h("dt", {}, key), h("dd", {}, value));
  if (readOnly) {
    openDialog({ title: session.name }, table);
    return;
  }
  openDialog(
    {
      title: session.name,
      does: "Save",
      submit: async () => {
        const fields: Record<string, unknown> = {};
        if (name.value.trim() !== session.name) fields["name"] = name.value.trim();
        if (phase.value.trim() !== (session.currentPhase ?? "")) fields["phase"] = phase.value.trim() || null;
        if (issue.value.trim() !== (issueOf(session) ?? "")) fields["issue"] = parseIssue(issue.value) ?? null;
        if (Object.keys(fields).length > 0) await api.change(session.id, fields);
        changed();
      },
    },
    h("div", { class: "fields" }, field("Name", name), field("Phase", phase), field("Issue", issue)),
    table,
  );
}

function local(time: string): string {
  const date = new Date(time);
  return Number.isNaN(date.getTime()) ? time : date.toLocaleString();
}
