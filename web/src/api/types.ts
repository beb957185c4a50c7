// What the server's JSON looks like, as far as the page reads it.

export type Status = "active" | "waiting" | "idle" | "error" | "stopped";

export interface Issue {
  repository: string;
  number: number;
  label?: string;
  intervention?: boolean;
}

export interface Ended {
  at: string;
  code?: number;
  signal?: number;
  cause: string;
}

export interface Session {
  id: string;
  name: string;
  status: Status;
  branch: string;
  worktreePath: string;
  createdAt: string;
  lastActivity: string;
  repository?: string;
  base?: { commit: string; reference?: string };
  command?: string[];
  agent?: { name: string; conversation?: string } | string | null;
  issue?: Issue | null;
  ended?: Ended | null;
  ptyPid?: number | null;
  currentPhase?: string | null;
  metadata?: Record<string, unknown>;
  running?: boolean;
  worktreeState?: string | null;
  changes?: Changes | null;
  modified?: number | null;
  untracked?: number | null;
  ahead?: number | null;
  behind?: number | null;
}

export interface Changes {
  modified?: number | null;
  untracked?: number | null;
  ahead?: number | null;
  behind?: number | null;
}

export interface SessionPage {
  sessions: Session[];
  generation: number;
  next?: string | null;
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

export interface Trashed extends Session {
  destroyedAt: string;
}

export interface AgentInfo {
  name: string;
  title?: string;
  found?: string | null;
}

export interface Settings {
  policy?: string;
  readOnly?: boolean;
  version?: string;
  workspace?: string;
  agents?: AgentInfo[];
}
