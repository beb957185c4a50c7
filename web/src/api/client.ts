// Every request that the page makes of the server, by what it is for.
import { loss, Problem } from "./problem";
import type { AgentInfo, Create, Destroyed, Session, SessionPage, Settings, Start, Trashed } from "./types";

const BASE = "/api/v1";
/** How long an answer is waited for. A create on a large repository takes its time. */
const ANSWER_MS_MAX = 120_000;
/** The same where people's own lines are run before it, which take what they take. */
const SETUP_MS_MAX = 4 * 3_600_000;
const PAGE_SIZE = 200;

type Method = "GET" | "POST" | "PATCH" | "DELETE";

async function request(method: Method, path: string, body?: unknown, limit = ANSWER_MS_MAX): Promise<Response> {
  const headers: Record<string, string> = { Accept: "application/json" };
  // Without it the server refuses every change, which keeps forms of other sites out.
  if (method !== "GET") headers["Content-Type"] = "application/json";
  let response: Response;
  try {
    response = await fetch(BASE + path, {
      method,
      headers,
      body: method === "GET" ? null : JSON.stringify(body ?? {}),
      credentials: "same-origin",
      cache: "no-store",
      signal: AbortSignal.timeout(limit),
    });
  } catch {
    throw Problem.unreachable();
  }
  if (!response.ok) throw await Problem.of(response);
  return response;
}

async function json<T>(method: Method, path: string, body?: unknown, limit = ANSWER_MS_MAX): Promise<T> {
  return (await (await request(method, path, body, limit)).json()) as T;
}

/** The path of one session. */
export function at(id: string): string {
  return `/sessions/${encodeURIComponent(id)}`;
}

/** What the page has to know first. An agent may come as its name alone. */
export async function settings(): Promise<Settings> {
  const answer = await json<Omit<Settings, "agents"> & { agents?: (string | AgentInfo)[] }>("GET", "/settings");
  const agents = (answer.agents ?? []).map((it) => (typeof it === "string" ? { name: it } : it));
  return { ...answer, agents };
}

/** All sessions, page by page, with what their worktrees look like. */
export async function sessions(): Promise<Session[]> {
  const all: Session[] = [];
  let cursor: string | null | undefined;
  do {
    const query = new URLSearchParams({ changes: "true", limit: String(PAGE_SIZE) });
    if (cursor) query.set("cursor", cursor);
    const page = await json<SessionPage>("GET", `/sessions?${query}`);
    all.push(...page.sessions);
    cursor = page.next;
  } while (cursor);
  return all;
}

export const show = (id: string): Promise<Session> => json("GET", at(id));
export const create = (it: Create): Promise<Session> => json("POST", "/sessions", it, SETUP_MS_MAX);
export const start = (id: string, it: Start): Promise<Session> => json("POST", `${at(id)}/start`, it);
export const stop = (id: string): Promise<Session> => json("POST", `${at(id)}/stop`);
export const restart = (id: string): Promise<Session> => json("POST", `${at(id)}/restart`);
export const resume = (id: string): Promise<Session> => json("POST", `${at(id)}/resume`);
export const change = (id: string, fields: Record<string, unknown>): Promise<Session> =>
  json("PATCH", at(id), fields);

export interface Destroy {
  permits: string[];
  deleteBranch: boolean;
  dryRun: boolean;
  /** Leave out what is set to run first. */
  noTeardown: boolean;
}

/** Destroys a session, or says what that would take away. */
export async function destroy(id: string, how: Destroy): Promise<Destroyed> {
  const query = new URLSearchParams();
  for (const permit of how.permits) query.append("permit", permit);
  if (how.deleteBranch) query.set("deleteBranch", "true");
  if (how.dryRun) query.set("dryRun", "true");
  if (how.noTeardown) query.set("noTeardown", "true");
  const limit = how.dryRun ? ANSWER_MS_MAX : SETUP_MS_MAX;
  const answer = await json<{ destroyed?: boolean; wouldLose?: unknown[] }>("DELETE", `${at(id)}?${query}`, {}, limit);
  return { destroyed: answer.destroyed === true, wouldLose: (answer.wouldLose ?? []).map(loss) };
}

/** What can be brought back, newest first. */
export async function trash(): Promise<Trashed[]> {
  const answer = await json<Trashed[] | { trash?: Trashed[]; sessions?: Trashed[] }>("GET", "/trash");
  const list = Array.isArray(answer) ? answer : (answer.trash ?? answer.sessions ?? []);
  return [...list].sort((a, b) => b.destroyedAt.localeCompare(a.destroyedAt));
}

export const undo = (session: string, as?: string): Promise<Session> =>
  json("POST", "/undo", as ? { session, as } : { session });

/** Logs every browser out, this one too. */
export const logOut = (): Promise<unknown> => json("DELETE", "/browsers");

/** Where the live terminal of a session is reached. */
export const terminalUrl = (id: string): string => socketUrl(`${at(id)}/terminal`);

/** Where events are told that come after one. */
export const eventsUrl = (after: number | null): string => socketUrl(`/events/socket${after === null ? "" : `?after=${after}`}`);

function socketUrl(path: string): string {
  const url = new URL(BASE + path, location.href);
  url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
  return url.href;
}
