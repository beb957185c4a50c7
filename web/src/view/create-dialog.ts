// The dialog that makes a session.
import * as api from "../api/client";
import type { Create, Session } from "../api/types";
import { parseIssue } from "../state/typed";
import { field, openDialog, textInput } from "./dialog";
import { h } from "./dom";
import { WhatRuns } from "./what-runs";

export function openCreate(agents: readonly string[], made: (session: Session) => void): void {
  const name = textInput({ name: "name", placeholder: "feature-… when left empty", autofocus: true });
  const branch = textInput({ name: "branch", placeholder: "feature/<name>", class: "mono" });
  const from = textInput({ name: "from", placeholder: "HEAD", class: "mono" });
  const issue = textInput({ name: "issue", placeholder: "owner/repo#42" });
  const runs = new WhatRuns(["shell", "agent", "command", "nothing"], agents, { kind: "shell" });
  name.addEventListener("input", () => (branch.placeholder = `feature/${name.value.trim() || "<name>"}`));
  openDialog(
    {
      title: "New session",
      does: "Create",
      submit: async () => {
        const asked: Create = {};
        if (name.value.trim()) asked.name = name.value.trim();
        if (branch.value.trim()) asked.branch = branch.value.trim();
        if (from.value.trim()) asked.from = from.value.trim();
        const bound = parseIssue(issue.value);
        if (bound) asked.issue = bound;
        const start = runs.value();
        if (start) asked.start = start;
        made(await api.create(asked));
      },
    },
    field("Name", name),
    runs.element,
    h(
      "details",
      { class: "more" },
      h("summary", {}, "Branch, base and issue"),
      h("div", { class: "fields" }, field("Branch", branch), field("From", from, "a branch, tag or commit"), field("Issue", issue)),
    ),
  );
}
