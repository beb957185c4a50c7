// What the server's JSON looks like, as far as the page reads it.

export type Status = "active" | "waiting" | "idle" | "error" | "stopped";

export interface Issue {
  repository: string;
  number: number;
  label?: string;
  intervention: boolean;
}

export interface Ended {
  at: string;
  code?: number;
  signal?: number;
  cause: string;
}

/** What the state file has of a session. */
export interface SessionRecord {
  id: string;
  name: string;
  status: Status;
  branch: string;
  worktreePath: string;
  createdAt: string;
  lastActivity: string;
  repository: string;
  base?: { commit: string; reference?: string };
  command?: string[];
  agent?: { name: string };
  issue?: Issue;
  ended?: Ended;
  ptyPid?: number;
  currentPhase?: string;
  metadata?: Record<string, unknown>;
}

/** A session that is there, and whether a program runs in it. */
export interface Session extends SessionRecord, Partial<Changes> {
  running: boolean;
}

/** What a worktree looks like, which costs the server a look; nothing where that cannot be told. */
export interface Changes {
  worktreeState: string | null;
  modified: number | null;
  untracked: number | null;
  ahead: number | null;
  behind: number | null;
}

/** One page of a list. */
export interface Listed<T> {
  sessions: T[];
  next?: string;
}

/** What a session may be started with; nothing stands for a shell. */
export interface Start {
  command?: string[];
  agent?: string;
  prompt?: string;
  rows?: number;
  cols?: number;
}

export interface Create {
  name?: string;
  branch?: string;
  from?: string;
  repository?: string;
  issue?: { repository: string; number: number };
  start?: Start;
}

/** One kind of thing that a destroy would take away. */
export interface Loss {
  kind: string;
  /** The word that permits it; none when nothing does. */
  permit: string | null;
  detail: string;
}

export interface Destroyed {
  destroyed: boolean;
  wouldLose: Loss[];
}

export interface Trashed extends SessionRecord {
  destroyedAt: string;
}

export interface Settings {
  readOnly: boolean;
  version: string;
  workspace: string;
  agents: string[];
}
