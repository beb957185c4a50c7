// The event stream, cut anywhere, and the waits between attempts.
import { expect, it } from "vitest";
import { Backoff } from "../../src/api/backoff";
import { EventLines } from "../../src/api/event-lines";

const text = ': hi\n\nevent: hello\r\nid: 7\r\ndata: {"generation":7}\r\n\r\nevent: changed\nid: 8\ndata: a\ndata: b\n\nevent: reset\ndata:\n\n';

it.each([1, 2, 3, 7, text.length])("events come out whole when they arrive %i characters at a time", (step) => {
  const lines = new EventLines();
  const found = [];
  for (let at = 0; at < text.length; at += step) found.push(...lines.take(text.slice(at, at + step)));
  expect(found).toEqual([
    { type: "hello", data: '{"generation":7}', id: "7" },
    { type: "changed", data: "a\nb", id: "8" },
    { type: "reset", data: "", id: "8" },
  ]);
  expect(lines.lastId).toBe("8");
});

it("attempts come less and less often, and never stop", () => {
  const backoff = new Backoff(() => 1);
  expect([1, 2, 3, 4, 5, 6, 7, 8].map(() => backoff.next())).toEqual([250, 500, 1000, 2000, 4000, 8000, 8000, 8000]);
  backoff.reset();
  expect(backoff.next()).toBe(250);
});
