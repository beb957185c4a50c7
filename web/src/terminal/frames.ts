// How messages travel between the page and a holder: one byte kind, four bytes length (little endian), payload.

/** The longest payload; a longer one ends the connection. */
export const FRAME_BYTES_MAX = 1 << 20;
/** The protocol spoken here. */
export const PROTOCOL = 2;
/** How much typed or pasted text goes into one frame. */
const INPUT_BYTES_MAX = 64 << 10;
const HEAD_BYTES = 5;
const OFFSET_BYTES = 8;

export type Role = "control" | "take" | "observe";

export interface Exited {
  code: number | null;
  signal: number | null;
  asked?: boolean;
}

/** What a holder, or the server in its place, says. */
export type FromHolder =
  | { kind: "hello"; id: string; pid: number; rows: number; cols: number; exited: Exited | null }
  | { kind: "output"; offset: number; bytes: Uint8Array }
  | { kind: "snapshot"; offset: number; isLast: boolean; bytes: Uint8Array }
  | { kind: "status"; controls: boolean; rows: number; cols: number }
  | { kind: "exit"; exited: Exited }
  | { kind: "refused"; code: string; message: string };

export interface Attach {
  role: Role;
  rows: number;
  cols: number;
  scrollback: number;
  /** Whether it answers what a program asks its terminal. */
  isTerminal: boolean;
}

/** A stream that makes no sense. */
export class BadFrame extends Error {
  override name = "BadFrame";
}

/** Collects bytes until messages are whole. */
export class Frames {
  #rest = new Uint8Array(0);

  /** Takes what arrived; answers the messages that are whole. A kind that is not known is passed over. */
  take(bytes: Uint8Array): FromHolder[] {
    const all = this.#rest.length === 0 ? bytes : joined(this.#rest, bytes);
    const view = new DataView(all.buffer, all.byteOffset, all.byteLength);
    const found: FromHolder[] = [];
    let at = 0;
    while (all.length - at >= HEAD_BYTES) {
      const length = view.getUint32(at + 1, true);
      if (length > FRAME_BYTES_MAX) throw new BadFrame(`a frame of ${length} bytes is longer than ${FRAME_BYTES_MAX}`);
      const end = at + HEAD_BYTES + length;
      if (end > all.length) break;
      const message = decoded(all[at] as number, all.subarray(at + HEAD_BYTES, end));
      if (message) found.push(message);
      at = end;
    }
    // A copy, so that the rest of a few bytes does not keep a large buffer.
    this.#rest = all.slice(at);
    return found;
  }
}

function joined(first: Uint8Array, second: Uint8Array): Uint8Array {
  const all = new Uint8Array(first.length + second.length);
  all.set(first);
  all.set(second, first.length);
  return all;
}

function decoded(kind: number, payload: Uint8Array): FromHolder | undefined {
  switch (String.fromCharCode(kind)) {
    case "h": {
      const it = parsed(payload);
      return {
        kind: "hello",
        id: text(it["id"]),
        pid: number(it["pid"]),
        rows: number(it["rows"]),
        cols: number(it["cols"]),
        exited: it["exited"] ? exited(it["exited"]) : null,
      };
    }
    case "o":
      return { kind: "output", offset: offset(payload), bytes: payload.subarray(OFFSET_BYTES) };
    case "s":
      if (payload.length <= OFFSET_BYTES) throw new BadFrame("a snapshot without a head");
      return {
        kind: "snapshot",
        offset: offset(payload),
        isLast: payload[OFFSET_BYTES] !== 0,
        bytes: payload.subarray(OFFSET_BYTES + 1),
      };
    case "t": {
      const it = parsed(payload);
      return { kind: "status", controls: it["controls"] === true, rows: number(it["rows"]), cols: number(it["cols"]) };
    }
    case "x":
      return { kind: "exit", exited: exited(parsed(payload)) };
    case "e": {
      const it = parsed(payload);
      return { kind: "refused", code: text(it["code"]), message: text(it["message"]) };
    }
    default:
      return undefined;
  }
}

function offset(payload: Uint8Array): number {
  if (payload.length < OFFSET_BYTES) throw new BadFrame("output without an offset");
  return Number(new DataView(payload.buffer, payload.byteOffset, OFFSET_BYTES).getBigUint64(0, true));
}

function parsed(payload: Uint8Array): Record<string, unknown> {
  const value: unknown = JSON.parse(new TextDecoder().decode(payload));
  if (typeof value !== "object" || value === null) throw new BadFrame("a message that is no object");
  return value as Record<string, unknown>;
}

function exited(value: unknown): Exited {
  const it = value as Partial<Exited>;
  return { code: it.code ?? null, signal: it.signal ?? null, asked: it.asked ?? false };
}

function text(value: unknown): string {
  return typeof value === "string" ? value : "";
}

function number(value: unknown): number {
  return typeof value === "number" ? value : 0;
}

/** Show me the terminal. */
export function attach(it: Attach): Uint8Array {
  return json("A", { protocol: PROTOCOL, ...it });
}

/** My terminal has this size now. */
export function resize(rows: number, cols: number): Uint8Array {
  return json("R", { rows, cols });
}

/** Type this; in as many frames as it needs. */
export function input(bytes: Uint8Array): Uint8Array[] {
  const frames: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; at += INPUT_BYTES_MAX) {
    frames.push(frame("I", bytes.subarray(at, at + INPUT_BYTES_MAX)));
  }
  return frames;
}

/** I am leaving. */
export function detach(): Uint8Array {
  return frame("D", new Uint8Array(0));
}

function json(kind: string, value: unknown): Uint8Array {
  return frame(kind, new TextEncoder().encode(JSON.stringify(value)));
}

function frame(kind: string, payload: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(HEAD_BYTES + payload.length);
  bytes[0] = kind.charCodeAt(0);
  new DataView(bytes.buffer).setUint32(1, payload.length, true);
  bytes.set(payload, HEAD_BYTES);
  return bytes;
}
