// What a session's record means for a person: does it run, what has changed in it, how did it end.
import type { Changes, Session } from "../api/types";

export function isRunning(session: Session): boolean {
  return session.running ?? (session.ptyPid ?? null) !== null;
}

export function agentOf(session: Session): string | null {
  if (!session.agent) return null;
  return typeof session.agent === "string" ? session.agent : session.agent.name;
}

export function changesOf(session: Session): Changes {
  return session.changes ?? session;
}

export function issueOf(session: Session): string | null {
  return session.issue ? `${session.issue.repository}#${session.issue.number}` : null;
}

export function commandOf(session: Session): string | null {
  return session.command?.length ? session.command.join(" ") : null;
}

export function baseOf(session: Session): string {
  if (!session.base) return "";
  const commit = session.base.commit.slice(0, 12);
  return session.base.reference ? `${session.base.reference.replace(/^refs\/heads\//, "")} (${commit})` : commit;
}

const SIGNALS: Record<number, string> = { 1: "HUP", 2: "INT", 3: "QUIT", 6: "ABRT", 9: "KILL", 11: "SEGV", 15: "TERM" };

export function endOf(end: { code?: number | null; signal?: number | null; cause?: string }): string {
  const how =
    typeof end.signal === "number"
      ? `signal ${SIGNALS[end.signal] ?? end.signal}`
      : typeof end.code === "number"
        ? `exit code ${end.code}`
        : "ended";
  const causes: Record<string, string> = {
    asked: "stopped",
    shutdown: "the container was stopped",
    restart: "the container was restarted",
    lost: "its holder was killed",
  };
  const cause = end.cause ? causes[end.cause] : undefined;
  return cause ? `${cause}, ${how}` : how;
}
