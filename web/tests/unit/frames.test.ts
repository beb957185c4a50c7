// The codec of terminal messages: cut anywhere, damaged, or from a newer peer.
import { describe, expect, it } from "vitest";
import { attach, BadFrame, detach, FRAME_BYTES_MAX, Frames, input, resize } from "../../src/terminal/frames";

function frame(kind: string, payload: Uint8Array | string): Uint8Array {
  const bytes = typeof payload === "string" ? new TextEncoder().encode(payload) : payload;
  const head = [kind.charCodeAt(0), 0, 0, 0, 0];
  const all = new Uint8Array([...head, ...bytes]);
  new DataView(all.buffer).setUint32(1, bytes.length, true);
  return all;
}

function stream(...frames: Uint8Array[]): Uint8Array {
  return new Uint8Array(frames.flatMap((it) => [...it]));
}

const OFFSET = [7, 0, 0, 0, 0, 1, 0, 0];
const all = stream(
  frame("h", '{"protocol":2,"min":1,"id":"a","holder":4,"pid":5,"rows":24,"cols":80,"exited":null,"new":1}'),
  frame("t", '{"controls":true,"rows":24,"cols":80}'),
  frame("s", new Uint8Array([...OFFSET, 1, 104, 105])),
  frame("?", "from a newer peer"),
  frame("o", new Uint8Array([...OFFSET, 0xe2, 0x82])),
  frame("e", '{"code":"controlled","message":"another client controls"}'),
  frame("x", '{"code":3,"signal":null,"asked":false}'),
);

describe("what a holder says", () => {
  it.each([1, 2, 3, 5, 64, all.length])("comes out whole when it arrives %i bytes at a time", (step) => {
    const frames = new Frames();
    const found = [];
    for (let at = 0; at < all.length; at += step) found.push(...frames.take(all.slice(at, at + step)));
    expect(found.map((it) => it.kind)).toEqual(["hello", "status", "snapshot", "output", "refused", "exit"]);
    expect(found[0]).toMatchObject({ id: "a", pid: 5, rows: 24, cols: 80, exited: null });
    expect(found[1]).toEqual({ kind: "status", controls: true, rows: 24, cols: 80 });
    expect(found[2]).toMatchObject({ offset: 7 + 2 ** 40, isLast: true, bytes: new Uint8Array([104, 105]) });
    expect(found[3]).toMatchObject({ bytes: new Uint8Array([0xe2, 0x82]) });
    expect(found[4]).toEqual({ kind: "refused", code: "controlled", message: "another client controls" });
    expect(found[5]).toEqual({ kind: "exit", exited: { code: 3, signal: null, asked: false } });
  });

  it("is refused when it claims to be huge, before it comes", () => {
    const head = new Uint8Array(5);
    head[0] = "o".charCodeAt(0);
    new DataView(head.buffer).setUint32(1, FRAME_BYTES_MAX + 1, true);
    expect(() => new Frames().take(head)).toThrow(BadFrame);
  });

  it("is refused when it is too short for what it is", () => {
    expect(() => new Frames().take(frame("o", "short"))).toThrow(BadFrame);
    expect(() => new Frames().take(frame("s", new Uint8Array(OFFSET)))).toThrow(BadFrame);
    expect(() => new Frames().take(frame("t", "7"))).toThrow(BadFrame);
  });
});

describe("what the page says", () => {
  const parts = (bytes: Uint8Array): [string, string] => {
    const length = new DataView(bytes.buffer).getUint32(1, true);
    expect(bytes.length).toBe(5 + length);
    return [String.fromCharCode(bytes[0] as number), new TextDecoder().decode(bytes.slice(5))];
  };

  it("has the holder's kinds and fields", () => {
    const asked = { role: "take", rows: 40, cols: 120, scrollback: 2000, isTerminal: true } as const;
    const [kind, text] = parts(attach(asked));
    expect(kind).toBe("A");
    expect(JSON.parse(text)).toEqual({ protocol: 2, ...asked });
    expect(parts(resize(24, 80))).toEqual(["R", '{"rows":24,"cols":80}']);
    expect(parts(detach())).toEqual(["D", ""]);
  });

  it("cuts a long paste into frames that are taken, in order", () => {
    const paste = new TextEncoder().encode("0123456789abcdef".repeat(20_000));
    const frames = input(paste);
    expect(frames.length).toBeGreaterThan(1);
    expect(frames.map((it) => parts(it)[1]).join("")).toBe(new TextDecoder().decode(paste));
    expect(frames.every((it) => it.length < FRAME_BYTES_MAX)).toBe(true);
    expect(input(new Uint8Array(0))).toEqual([]);
  });
});
