// Every request that the page makes of the server, by what it is for.
import { Problem } from "./problem";
import type { Create, Destroyed, Listed, Session, Settings, Start, Trashed } from "./types";

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

/** A whole list, page by page. */
async function listed<T>(path: string, wish: Record<string, string> = {}): Promise<T[]> {
  const all: T[] = [];
  let cursor: string | undefined;
  do {
    const query = new URLSearchParams({ ...wish, limit: String(PAGE_SIZE) });
    if (cursor !== undefined) query.set("cursor", cursor);
    const page = await json<Listed<T>>("GET", `${path}?${query}`);
    all.push(...page.sessions);
    cursor = page.next;
  } while (cursor !== undefined);
  return all;
}

/** What the page has to know first. */
export const settings = (): Promise<Settings> => json("GET", "/settings");

/** All sessions; the server has these in memory. */
export const sessions = (): Promise<Session[]> => listed("/sessions");

/** All sessions, or some of them, with what their worktrees look like: git is asked for each. */
export const looked = (ids?: readonly string[]): Promise<Session[]> =>
  listed("/sessions", { changes: "true", ...(ids ? { ids: ids.join(",") } : {}) });

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
export function destroy(id: string, how: Destroy): Promise<Destroyed> {
  const query = new URLSearchParams();
  for (const permit of how.permits) query.append("permit", permit);
  if (how.deleteBranch) query.set("deleteBranch", "true");
  if (how.dryRun) query.set("dryRun", "true");
  if (how.noTeardown) query.set("noTeardown", "true");
  const limit = how.dryRun ? ANSWER_MS_MAX : SETUP_MS_MAX;
  return json("DELETE", `${at(id)}?${query}`, {}, limit);
}

/** What can be brought back, newest first. */
export const trash = (): Promise<Trashed[]> => listed("/trash");

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
