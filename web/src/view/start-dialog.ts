// The dialog that starts something in a session that rests.
import * as api from "../api/client";
import type { Session } from "../api/types";
import { agentOf } from "../state/facts";
import { openDialog } from "./dialog";
import { WhatRuns } from "./what-runs";

export function openStart(session: Session, agents: readonly string[], started: (session: Session) => void): void {
  const agent = agentOf(session);
  const known = agents.some((it) => it === agent);
  const runs = new WhatRuns(["shell", "agent", "command"], agents, { kind: known ? "agent" : "shell", agent });
  openDialog(
    {
      title: `Start ${session.name}`,
      does: "Start",
      submit: async () => started(await api.start(session.id, runs.value() ?? {})),
    },
    runs.element,
  );
}
