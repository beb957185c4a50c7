// How long to wait before the next attempt: longer each time, never too long, and not all pages at the same moment.

const FIRST_MS = 250;
const LAST_MS = 8_000;

export class Backoff {
  #attempts = 0;

  constructor(private readonly random: () => number = Math.random) {}

  /** The wait before the next attempt, in milliseconds. */
  next(): number {
    const full = Math.min(LAST_MS, FIRST_MS * 2 ** this.#attempts);
    this.#attempts += 1;
    return full * (0.75 + 0.25 * this.random());
  }

  /** It worked. */
  reset(): void {
    this.#attempts = 0;
  }
}
