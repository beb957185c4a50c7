// What the server says happened, and the waits between attempts.
import { expect, it } from "vitest";
import { Backoff } from "../../src/api/backoff";
import { eventOf } from "../../src/api/event-message";

it("a message is an event or nothing", () => {
  const changed = '{"event":"changed","id":7,"data":{"generation":2,"sessions":["a","b"]}}';
  expect(eventOf(changed)).toEqual({ type: "changed", id: 7, sessions: ["a", "b"] });
  expect(eventOf('{"event":"alive"}')).toEqual({ type: "alive", id: null, sessions: [] });
  expect(eventOf('{"event":"changed","id":7,"data":{"sessions":"a"}}')?.sessions).toEqual([]);
  for (const odd of ["", "{", "[]", "null", "7", '{"event":7}', new ArrayBuffer(2)]) expect(eventOf(odd)).toBeNull();
});

it("attempts come less and less often, and never stop", () => {
  const backoff = new Backoff(() => 1);
  expect([1, 2, 3, 4, 5, 6, 7, 8].map(() => backoff.next())).toEqual([250, 500, 1000, 2000, 4000, 8000, 8000, 8000]);
  backoff.reset();
  expect(backoff.next()).toBe(250);
});
