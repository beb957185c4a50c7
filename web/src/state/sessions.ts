// The sessions as the page knows them: read anew when the server says that something changed, and now and then.
import * as api from "../api/client";
import { Problem } from "../api/problem";
import type { Session } from "../api/types";

/** Files change without an event, so what a worktree looks like is asked for now and then. */
const REFRESH_MS = 10_000;

export type SessionsListener = (sessions: readonly Session[], before: ReadonlyMap<string, Session>) => void;

export class Sessions {
  #all: readonly Session[] = [];
  #known: ReadonlyMap<string, Session> = new Map();
  #listeners = new Set<SessionsListener>();
  #reading: Promise<void> | null = null;
  #again = false;
  loaded = false;

  constructor(private readonly failed: (problem: Problem) => void) {
    setInterval(() => document.hidden || void this.refresh(), REFRESH_MS);
    document.addEventListener("visibilitychange", () => document.hidden || void this.refresh());
  }

  get all(): readonly Session[] {
    return this.#all;
  }

  find(id: string): Session | undefined {
    return this.#known.get(id);
  }

  listen(listener: SessionsListener): void {
    this.#listeners.add(listener);
  }

  /** Reads them anew; calls while one runs are answered by the one after it. */
  refresh(): Promise<void> {
    if (this.#reading) {
      this.#again = true;
      return this.#reading;
    }
    this.#reading = this.#read().finally(() => {
      this.#reading = null;
    });
    return this.#reading;
  }

  async #read(): Promise<void> {
    do {
      this.#again = false;
      try {
        this.#take(await api.sessions());
      } catch (thrown) {
        this.failed(Problem.from(thrown));
        return;
      }
    } while (this.#again);
  }

  #take(sessions: Session[]): void {
    const before = this.#known;
    this.loaded = true;
    this.#all = sessions;
    this.#known = new Map(sessions.map((it) => [it.id, it]));
    for (const listener of this.#listeners) listener(this.#all, before);
  }
}
