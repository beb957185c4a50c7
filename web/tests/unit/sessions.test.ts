// What the page asks of the server to know its sessions: as little as may be.
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import * as api from "../../src/api/client";
import { Problem } from "../../src/api/problem";
import { Sessions } from "../../src/state/sessions";

const PLAIN = "/api/v1/sessions?limit=200";
const LOOK = "/api/v1/sessions?changes=true&limit=200";
const look = (ids: string): string => `/api/v1/sessions?changes=true&ids=${encodeURIComponent(ids)}&limit=200`;

/** The paths that were asked for. */
let asked: string[];
/** What each session's worktree has, for who looks. */
let modified: Record<string, number>;
let page: { hidden: boolean; addEventListener: () => void };

beforeEach(() => {
  asked = [];
  modified = { a: 1, b: 2 };
  page = { hidden: false, addEventListener: () => undefined };
  vi.useFakeTimers();
  vi.stubGlobal("document", page);
  vi.stubGlobal("fetch", (path: string) => {
    asked.push(path);
    const query = new URL(path, "http://localhost").searchParams;
    const ids = query.get("ids")?.split(",") ?? Object.keys(modified);
    const looks = (id: string) => ({ worktreeState: "present", modified: modified[id], untracked: 0, ahead: 0, behind: null });
    const sessions = ids.map((id) => ({ id, name: id, status: "idle", running: false, ...(query.get("changes") ? looks(id) : {}) }));
    return Promise.resolve(new Response(JSON.stringify({ sessions, generation: 1 })));
  });
});

afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

const failed = (it: Problem): never => {
  throw it;
};
const known = (sessions: Sessions): Record<string, number | null | undefined> =>
  Object.fromEntries(sessions.all.map((it) => [it.id, it.modified]));

it("after a change only the worktrees that it names are looked at, and of the others stays what was seen", async () => {
  const sessions = new Sessions(failed);
  await sessions.refresh();
  expect(asked).toEqual([LOOK]);
  modified = { a: 10, b: 20, c: 30 };
  asked = [];
  await sessions.changed(["a", "gone"]);
  expect(asked).toEqual([PLAIN, look("a")]);
  expect(known(sessions)).toEqual({ a: 10, b: 2, c: undefined });
  asked = [];
  await Promise.all([sessions.changed(["a"]), sessions.changed(["b"]), sessions.changed(["c"])]);
  expect(asked).toEqual([PLAIN, look("a"), PLAIN, look("b,c")]);
  expect(known(sessions)).toEqual({ a: 10, b: 20, c: 30 });
});

it("a page that nobody sees has no worktree looked at", async () => {
  const sessions = new Sessions(failed);
  await sessions.refresh();
  page.hidden = true;
  asked = [];
  await sessions.changed(["a"]);
  await sessions.refresh();
  await vi.advanceTimersByTimeAsync(30_000);
  expect(asked).toEqual([PLAIN, PLAIN]);
  expect(known(sessions)).toEqual({ a: 1, b: 2 });
  page.hidden = false;
  await vi.advanceTimersByTimeAsync(10_000);
  expect(asked).toEqual([PLAIN, PLAIN, LOOK]);
});

it("what is wanted while one reads is one more reading, and all of it where too many are named", async () => {
  const sessions = new Sessions(failed);
  await Promise.all([sessions.refresh(), sessions.changed(["a"]), sessions.refresh(), sessions.changed(["b"])]);
  expect(asked).toEqual([LOOK, LOOK]);
  asked = [];
  await sessions.changed(Array.from({ length: 51 }, (_, at) => String(at)));
  expect(asked).toEqual([LOOK]);
});

it("a list is followed to its end", async () => {
  const pages: Record<string, unknown> = {
    "/api/v1/trash?limit=200": { sessions: [{ id: "a" }], next: "200" },
    "/api/v1/trash?limit=200&cursor=200": { sessions: [{ id: "b" }] },
  };
  vi.stubGlobal("fetch", (path: string) => Promise.resolve(new Response(JSON.stringify(pages[path]))));
  expect((await api.trash()).map((it) => it.id)).toEqual(["a", "b"]);
});

it("a refusal says what would be lost, in the server's own words", async () => {
  const losses = [{ kind: "untracked", permit: "untracked", count: 1, examples: ["a"], detail: "1 untracked file: a" }];
  const body = { code: "UNSAVED_WORK", detail: "work would be lost", hint: "permit it", losses };
  vi.stubGlobal("fetch", () => Promise.resolve(new Response(JSON.stringify(body), { status: 409 })));
  const refused: unknown = await api.stop("a").catch((thrown: unknown) => thrown);
  expect(refused).toMatchObject({ status: 409, code: "UNSAVED_WORK", message: "work would be lost", hint: "permit it", losses });
});
