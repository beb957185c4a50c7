// What a session's record means for a person: does it run, what has changed in it, how did it end.
import type { Changes, Session } from "../api/types";

export function agentOf(session: Session): string | null {
  return session.agent?.name ?? null;
}

/** What is known of its worktree; nothing before the first look. */
export function changesOf({ worktreeState, modified, untracked, ahead, behind }: Session): Changes | null {
  if (worktreeState === undefined) return null;
  return { worktreeState, modified: modified ?? null, untracked: untracked ?? null, ahead: ahead ?? null, behind: behind ?? null };
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
