// What is read out of an address, a typed command, a key, and a time.
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { OPEN_MAX, readPlace, writePlace } from "../../src/state/place";
import { Unseen } from "../../src/state/waiting";
import { parseIssue, withControl, words } from "../../src/state/typed";
import { age } from "../../src/view/time";
import type { Session } from "../../src/api/types";

beforeEach(() => {
  const kept = new Map<string, string>();
  const [getItem, setItem] = [(key: string) => kept.get(key) ?? null, (key: string, text: string) => void kept.set(key, text)];
  vi.stubGlobal("sessionStorage", { getItem, setItem });
});
afterEach(() => {
  vi.unstubAllGlobals();
});

const id = (at: number): string => `00000000-0000-4000-8000-${String(at).padStart(12, "0")}`;

it("an address says what is open, and nothing else comes out of it", () => {
  const place = { open: [id(1), id(2)], at: id(2), layout: "tabs" as const, observe: [id(1)] };
  expect(readPlace(writePlace(place))).toEqual(place);
  expect(writePlace({ open: [], at: null, layout: "grid", observe: [] })).toBe("");
  expect(readPlace("#open=../x,<b>,&at=<b>&layout=odd")).toEqual({ open: [], at: null, layout: "grid", observe: [] });
  expect(readPlace(`#open=${id(1)},${id(1)}&at=${id(9)}&observe=${id(3)}`)).toEqual({ open: [id(1)], at: id(1), layout: "grid", observe: [] });
  const many = Array.from({ length: 40 }, (_, at) => id(at));
  expect(readPlace(`#open=${many.join(",")}`).open).toHaveLength(OPEN_MAX);
});

it("a command is split where that is clear, and left to a shell where it is not", () => {
  expect(words("  npm run  dev ")).toEqual(["npm", "run", "dev"]);
  expect(words("a | b")).toEqual(["sh", "-c", "a | b"]);
  expect(words("echo 'two words'")).toEqual(["sh", "-c", "echo 'two words'"]);
});

it("an issue is written as owner/repo#number", () => {
  expect(parseIssue("acme/shop#42")).toEqual({ repository: "acme/shop", number: 42 });
  expect(parseIssue("  ")).toBeUndefined();
  for (const wrong of ["acme#1", "acme/shop", "acme/shop#x", "a b/c#1"]) expect(() => parseIssue(wrong)).toThrow("is no issue");
});

it("a key with Control held is its control character", () => {
  expect(["c", "C", "[", " ", "?", "1"].map(withControl)).toEqual(["\x03", "\x03", "\x1b", "\0", "\x7f", "1"]);
});

it("an age is one short word", () => {
  const now = Date.parse("2025-11-24T10:30:00.000Z");
  const ages = ["2025-11-24T10:29:55.000Z", "2025-11-24T10:29:20.000Z", "2025-11-24T07:00:00.000Z", "2024-01-01T00:00:00.000Z", "odd"];
  expect(ages.map((it) => age(it, now))).toEqual(["now", "40s", "3h", "1y", ""]);
});

it("a session that waits is marked until somebody looks at it or it goes on", () => {
  const session = (at: number, status: string): Session => ({ id: id(at), status }) as Session;
  const unseen = new Unseen();
  const waits = [session(1, "waiting"), session(2, "waiting"), session(3, "waiting")];
  unseen.add(waits.slice(0, 2));
  expect(unseen.of(waits, () => false).map((it) => it.id)).toEqual([id(1), id(2)]);
  expect(unseen.of(waits, (it) => it === id(1)).map((it) => it.id)).toEqual([id(2)]);
  expect(new Unseen().of(waits, () => false).map((it) => it.id)).toEqual([id(2)]);
  expect(unseen.of(waits, () => false).map((it) => it.id)).toEqual([id(2)]);
  expect(unseen.of([session(2, "active")], () => false)).toEqual([]);
  expect(unseen.of(waits, () => false)).toEqual([]);
  expect(new Unseen().of(waits, () => false)).toEqual([]);
});
