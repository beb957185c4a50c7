// Keeps the stream of events open: reads it, and comes back with the last event's id after every interruption.
import { Backoff } from "./backoff";
import { BASE } from "./client";
import { EventLines, type StreamEvent } from "./event-lines";
import { Problem } from "./problem";

/** A stream that says nothing for this long, not even a comment, is taken for dead. */
const SILENCE_MS_MAX = 60_000;

export interface StreamListener {
  /** Something happened. */
  event(event: StreamEvent): void;
  /** The stream is open, or was lost and is being opened again. */
  connected(is: boolean): void;
  /** The server refuses: the page is no longer let in. */
  refused(problem: Problem): void;
}

export class Stream {
  #ended = new AbortController();
  #backoff = new Backoff();
  #lines = new EventLines();
  #wake: (() => void) | null = null;

  constructor(private readonly listener: StreamListener) {
    addEventListener("online", () => this.hurry());
    document.addEventListener("visibilitychange", () => document.hidden || this.hurry());
    void this.#run();
  }

  /** Tries now instead of waiting for the next attempt. */
  hurry(): void {
    this.#wake?.();
  }

  close(): void {
    this.#ended.abort();
    this.hurry();
  }

  async #run(): Promise<void> {
    while (!this.#ended.signal.aborted) {
      try {
        await this.#read();
      } catch (thrown) {
        if (thrown instanceof Problem && (thrown.status === 401 || thrown.status === 403)) {
          this.listener.refused(thrown);
          return;
        }
      }
      if (this.#ended.signal.aborted) return;
      this.listener.connected(false);
      await this.#pause(this.#backoff.next());
    }
  }

  async #read(): Promise<void> {
    const quiet = new AbortController();
    const headers: Record<string, string> = { Accept: "text/event-stream" };
    if (this.#lines.lastId) headers["Last-Event-ID"] = this.#lines.lastId;
    const response = await fetch(`${BASE}/events`, {
      headers,
      credentials: "same-origin",
      cache: "no-store",
      signal: AbortSignal.any([quiet.signal, this.#ended.signal]),
    });
    if (!response.ok) throw await Problem.of(response);
    if (!response.body) return;
    const lastId = this.#lines.lastId;
    this.#lines = new EventLines();
    this.#lines.lastId = lastId;
    this.#backoff.reset();
    this.listener.connected(true);
    const reader = response.body.pipeThrough(new TextDecoderStream() as ReadableWritablePair<string, Uint8Array>).getReader();
    for (;;) {
      const timer = setTimeout(() => quiet.abort(), SILENCE_MS_MAX);
      const { done, value } = await reader.read().finally(() => clearTimeout(timer));
      if (done) return;
      for (const event of this.#lines.take(value)) this.listener.event(event);
    }
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}
