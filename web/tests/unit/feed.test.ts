// The way into an emulator: order, and what happens when a program prints faster than it is drawn.
import { expect, it } from "vitest";
import { Feed, type Emulator } from "../../src/terminal/feed";

class Slow implements Emulator {
  seen: string[] = [];
  #done: (() => void)[] = [];
  write(data: string | Uint8Array, written?: () => void): void {
    this.seen.push(typeof data === "string" ? data : new TextDecoder().decode(data));
    if (written) this.#done.push(written);
  }
  draw(): void {
    for (const done of this.#done.splice(0)) done();
  }
}

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

it("replaces everything with a screen that was asked for, and keeps the scrollback with one that was not", () => {
  const slow = new Slow();
  const feed = new Feed(slow, () => undefined);
  feed.expectFull();
  feed.snapshot(bytes("one"), false);
  feed.snapshot(bytes("two"), true);
  expect(slow.seen).toEqual(["\x18\x1bc", "one", "two"]);
  feed.snapshot(bytes("three"), true);
  expect(slow.seen[3]).toContain("\x1b[2J");
  expect(slow.seen[3]).not.toContain("\x1bc");
});

it("lets output go when too much waits, and asks for the screen once it has caught up", () => {
  const slow = new Slow();
  let asked = 0;
  const feed = new Feed(slow, () => (asked += 1), 10);
  feed.output(bytes("0123456789ab"));
  feed.output(bytes("let go"));
  feed.output(bytes("let go too"));
  expect(slow.seen).toEqual(["0123456789ab"]);
  expect(feed.waiting).toBe(12);
  expect(asked).toBe(0);
  slow.draw();
  expect(asked).toBe(1);
  expect(feed.waiting).toBe(0);
  feed.expectFull();
  feed.snapshot(bytes("screen"), true);
  expect(slow.seen.slice(1)).toEqual(["\x18\x1bc", "screen"]);
});
