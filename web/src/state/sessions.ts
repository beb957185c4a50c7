// The sessions as the page knows them: read anew when the server says that something changed, and now and then.
import * as api from "../api/client";
import { Problem } from "../api/problem";
import type { Session } from "../api/types";
import { changesOf } from "./facts";

/** Files change without an event, so what a worktree looks like is asked for now and then. */
const REFRESH_MS = 10_000;
/** When more than this many changed, all are looked at: their ids have to fit into an address. */
const NAMED_MAX = 50;

export type SessionsListener = (sessions: readonly Session[], before: ReadonlyMap<string, Session>) => void;

/** Which worktrees are to be looked at. */
type Wanted = "all" | ReadonlySet<string>;

export class Sessions {
  #all: readonly Session[] = [];
  #known: ReadonlyMap<string, Session> = new Map();
  #listeners = new Set<SessionsListener>();
  #reading: Promise<void> | null = null;
  #isLooking = false;
  #wanted: Wanted | null = null;
  /** What the next look is about; nothing where nobody wants one. */
  #unlooked: Wanted = new Set();
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

  /** Reads all anew, and has every worktree looked at where somebody sees the page. */
  refresh(): Promise<void> {
    return this.#want("all");
  }

  /** Reads all anew, and has the worktrees of these alone looked at: each look is work for the server. */
  changed(ids: readonly string[]): Promise<void> {
    return this.#want(new Set(ids));
  }

  /** Calls while one reads are answered by the one after it. Nobody waits for a look: what it sees comes when it comes. */
  #want(more: Wanted): Promise<void> {
    this.#wanted = both(this.#wanted ?? new Set(), more);
    return (this.#reading ??= this.#read());
  }

  async #read(): Promise<void> {
    try {
      while (this.#wanted !== null) await this.#readOnce(this.#wanted);
    } finally {
      // Within the same step as the last look at what is wanted, so that no call falls between the two.
      this.#reading = null;
    }
  }

  async #readOnce(wanted: Wanted): Promise<void> {
    this.#unlooked = both(this.#unlooked, wanted);
    this.#wanted = null;
    try {
      const sessions = await api.sessions();
      // What was seen of a worktree stays until somebody looks again.
      this.#take(sessions.map((it) => ({ ...it, ...seen(this.#known.get(it.id)) })));
      void this.#look();
    } catch (thrown) {
      this.failed(Problem.from(thrown));
    }
  }

  /** Looks until nobody wants a look any more; what is wanted meanwhile is one more look. */
  async #look(): Promise<void> {
    if (this.#isLooking) return;
    this.#isLooking = true;
    try {
      for (let next = this.#next(); next !== null; next = this.#next()) await this.#lookAt(next);
    } finally {
      this.#isLooking = false;
    }
  }

  /** What is to be looked at. What nobody sees is not looked at; all of it is when the page is shown again. */
  #next(): Wanted | null {
    const wanted = this.#unlooked;
    this.#unlooked = new Set();
    if (document.hidden || this.#all.length === 0) return null;
    if (wanted === "all") return wanted;
    const there = [...wanted].filter((id) => this.#known.has(id));
    return there.length > 0 ? new Set(there) : null;
  }

  async #lookAt(wanted: Wanted): Promise<void> {
    try {
      const looked = new Map((await api.looked(wanted === "all" ? undefined : [...wanted])).map((it) => [it.id, it]));
      this.#take(this.#all.map((it) => ({ ...it, ...seen(looked.get(it.id)) })));
    } catch (thrown) {
      this.failed(Problem.from(thrown));
    }
  }

  #take(sessions: readonly Session[]): void {
    const before = this.#known;
    this.loaded = true;
    this.#all = sessions;
    this.#known = new Map(sessions.map((it) => [it.id, it]));
    for (const listener of this.#listeners) listener(this.#all, before);
  }
}

function both(one: Wanted, other: Wanted): Wanted {
  if (one === "all" || other === "all" || one.size + other.size > NAMED_MAX) return "all";
  return new Set([...one, ...other]);
}

/** What is known of a worktree, alone. */
function seen(session: Session | undefined): Partial<Session> {
  return (session && changesOf(session)) ?? {};
}
