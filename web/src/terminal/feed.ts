// What is on its way into an emulator: keeps order, and lets output go rather than fill the memory of the page.
// A program prints faster than a browser draws. What is let go is not lost: the holder is asked for the screen instead.

/** From how many bytes on output is let go until the emulator has caught up. */
export const QUEUE_BYTES_MAX = 8 << 20;
/** Ends a control sequence that was cut off, then resets everything, scrollback included. */
const ANEW = "\x18\x1bc";
/** Puts modes back and clears the screen; rows that have scrolled off stay. */
const AGAIN =
  "\x18\x1b[?2026l\x1b]8;;\x1b\\\x1b[?1049l\x1b[0m\x1b(B\x1b)B\x0f\x1b[?6l\x1b[r\x1b[4l\x1b[20l\x1b[?7h\x1b[?1l\x1b>" +
  "\x1b[?9l\x1b[?1000l\x1b[?1002l\x1b[?1003l\x1b[?1005l\x1b[?1006l\x1b[?1015l\x1b[?1016l" +
  "\x1b[?1004l\x1b[?2004l\x1b[?5l\x1b[?25h\x1b[0 q\x1b[H\x1b[2J";

/** What a feed writes to; an xterm.js terminal is one. */
export interface Emulator {
  write(data: string | Uint8Array, written?: () => void): void;
}

export class Feed {
  #waiting = 0;
  #letsGo = false;
  #inSnapshot = false;
  #fullComes = false;

  /** `caughtUp` asks for the screen anew, with its scrollback. */
  constructor(
    private readonly emulator: Emulator,
    private readonly caughtUp: () => void,
    private readonly limit = QUEUE_BYTES_MAX,
  ) {}

  /** The next snapshot brings scrollback and all: it replaces everything. */
  expectFull(): void {
    this.#fullComes = true;
    this.#inSnapshot = false;
    this.#letsGo = false;
  }

  output(bytes: Uint8Array): void {
    if (this.#letsGo) return;
    if (this.#waiting > this.limit) {
      this.#letsGo = true;
      return;
    }
    this.#write(bytes);
  }

  snapshot(bytes: Uint8Array, isLast: boolean): void {
    if (this.#letsGo) return;
    if (!this.#inSnapshot) {
      this.#write(this.#fullComes ? ANEW : AGAIN);
      this.#fullComes = false;
    }
    this.#inSnapshot = !isLast;
    this.#write(bytes);
  }

  /** How many bytes wait to be drawn. */
  get waiting(): number {
    return this.#waiting;
  }

  #write(data: string | Uint8Array): void {
    const size = data.length;
    this.#waiting += size;
    this.emulator.write(data, () => {
      this.#waiting -= size;
      if (this.#letsGo && this.#waiting === 0) {
        this.#letsGo = false;
        this.caughtUp();
      }
    });
  }
}
