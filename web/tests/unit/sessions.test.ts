// What the page asks of the server to know its sessions: as little as may be.
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import * as api from "../../src/api/client";
import type { Problem } from "../../src/api/problem";
import { Sessions } from "../../src/state/sessions";

const PLAIN = "/api/v1/sessions?limit=200";
const LOOK = "/api/v1/sessions?changes=true&limit=200";
const look = (ids: string): string => `/api/v1/sessions?changes=true&ids=${encodeURIComponent(ids)}&limit=200`;

/** The paths that were asked for. */
let asked: string[];
/** What each session's worktree has, for who looks. */
let modified: Record<string, number>;
let page: EventTarget & { hidden: boolean };
/** What a look waits for. */
let looking: Promise<void>;
/** What the server answers next, where that is nothing good. */
let refused: number | null;
/** What the page was told of that went wrong. */
let problems: number[];

beforeEach(() => {
  asked = [];
  modified = { a: 1, b: 2 };
  page = Object.assign(new EventTarget(), { hidden: false });
  [looking, refused, problems] = [Promise.resolve(), null, []];
  vi.useFakeTimers();
  vi.stubGlobal("document", page);
  vi.stubGlobal("fetch", async (path: string) => {
    asked.push(path);
    const query = new URL(path, "http://localhost").searchParams;
    const ids = query.get("ids")?.split(",") ?? Object.keys(modified);
    const looks = (id: string) => ({ worktreeState: "present", modified: modified[id], untracked: 0, ahead: 0, behind: null });
    const sessions = ids.map((id) => ({ id, name: id, status: "idle", running: false, ...(query.get("changes") ? looks(id) : {}) }));
    const answer = JSON.stringify({ sessions, generation: 1 });
    const status = refused ?? 200;
    refused = null;
    if (query.get("changes")) await looking;
    return new Response(answer, { status });
  });
});

afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

const failed = (it: Problem): void => void problems.push(it.status);
/** Lets everything happen that waits for nothing. */
const settled = (): Promise<unknown> => vi.advanceTimersByTimeAsync(0);
const known = (sessions: Sessions): Record<string, number | null | undefined> =>
  Object.fromEntries(sessions.all.map((it) => [it.id, it.modified]));

it("after a change only the worktrees that it names are looked at, and of the others stays what was seen", async () => {
  const sessions = new Sessions(failed);
  await sessions.refresh();
  await settled();
  expect(asked).toEqual([PLAIN, LOOK]);
  modified = { a: 10, b: 20, c: 30 };
  asked = [];
  await sessions.changed(["a", "gone"]);
  await settled();
  expect(asked).toEqual([PLAIN, look("a")]);
  expect(known(sessions)).toEqual({ a: 10, b: 2, c: undefined });
});

it("nothing waits for a look, and what is wanted meanwhile is one more", async () => {
  let seen = (): void => undefined;
  looking = new Promise((resolve) => (seen = resolve));
  const sessions = new Sessions(failed);
  await sessions.refresh();
  expect(sessions.loaded).toBe(true);
  expect(known(sessions)).toEqual({ a: undefined, b: undefined });
  await settled();
  modified = { a: 10, b: 20, c: 30 };
  for (const id of ["b", "c"]) await sessions.changed([id]);
  expect(asked).toEqual([PLAIN, LOOK, PLAIN, PLAIN]);
  // It is there although the look began before it was.
  expect(Object.keys(known(sessions))).toEqual(["a", "b", "c"]);
  seen();
  await settled();
  expect(asked).toEqual([PLAIN, LOOK, PLAIN, PLAIN, look("b,c")]);
  expect(known(sessions)).toEqual({ a: 1, b: 20, c: 30 });
});

it("what changes while a reading fails is read all the same", async () => {
  const sessions = new Sessions(failed);
  refused = 503;
  await Promise.all([sessions.changed(["a"]), sessions.refresh()]);
  await settled();
  expect(problems).toEqual([503]);
  expect(asked).toEqual([PLAIN, PLAIN, LOOK]);
  expect(known(sessions)).toEqual({ a: 1, b: 2 });
});

it("a page that nobody sees has no worktree looked at, and all of them when it is shown", async () => {
  const sessions = new Sessions(failed);
  await sessions.refresh();
  await settled();
  page.hidden = true;
  asked = [];
  await sessions.changed(["a"]);
  await sessions.refresh();
  await vi.advanceTimersByTimeAsync(30_000);
  expect(asked).toEqual([PLAIN, PLAIN]);
  expect(known(sessions)).toEqual({ a: 1, b: 2 });
  modified = { a: 10, b: 20 };
  page.hidden = false;
  page.dispatchEvent(new Event("visibilitychange"));
  await settled();
  expect(asked).toEqual([PLAIN, PLAIN, PLAIN, LOOK]);
  expect(known(sessions)).toEqual({ a: 10, b: 20 });
});

it("where nothing tells of a change, all is read now and then", async () => {
  new Sessions(failed);
  await vi.advanceTimersByTimeAsync(20_000);
  expect(asked).toEqual([PLAIN, LOOK, PLAIN, LOOK]);
});

it("all of it is looked at where too many are named, and none where there are none", async () => {
  const sessions = new Sessions(failed);
  await sessions.changed(Array.from({ length: 51 }, (_, at) => String(at)));
  await settled();
  expect(asked).toEqual([PLAIN, LOOK]);
  asked = [];
  modified = {};
  await sessions.refresh();
  await settled();
  expect(asked).toEqual([PLAIN]);
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
