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
  #wanted: Wanted | null = null;
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

  /** Reads all anew, and looks at every worktree where somebody sees the page. */
  refresh(): Promise<void> {
    return this.#want("all");
  }

  /** Reads all anew, and looks at the worktrees of these alone: each look is work for the server. */
  changed(ids: readonly string[]): Promise<void> {
    return this.#want(new Set(ids));
  }

  /** Calls while one reads are answered by the one after it. */
  #want(more: Wanted): Promise<void> {
    const wanted = this.#wanted ?? new Set();
    if (wanted === "all" || more === "all" || wanted.size + more.size > NAMED_MAX) this.#wanted = "all";
    else this.#wanted = new Set([...wanted, ...more]);
    this.#reading ??= this.#read().finally(() => {
      this.#reading = null;
    });
    return this.#reading;
  }

  async #read(): Promise<void> {
    while (this.#wanted !== null) {
      const wanted = this.#wanted;
      this.#wanted = null;
      try {
        // What nobody sees is not looked at; all of it is when the page is shown again.
        if (document.hidden) await this.#readPlain();
        else if (wanted === "all") this.#take(await api.looked());
        else await this.#readNamed(wanted);
      } catch (thrown) {
        this.#wanted = null;
        this.failed(Problem.from(thrown));
      }
    }
  }

  /** What was seen of a worktree stays until somebody looks again. */
  async #readPlain(): Promise<void> {
    this.#take((await api.sessions()).map((it) => ({ ...it, ...this.#seen(it.id) })));
  }

  async #readNamed(named: ReadonlySet<string>): Promise<void> {
    await this.#readPlain();
    const there = [...named].filter((id) => this.#known.has(id));
    if (there.length === 0) return;
    const looked = new Map((await api.looked(there)).map((it) => [it.id, it]));
    this.#take(this.#all.map((it) => looked.get(it.id) ?? it));
  }

  #seen(id: string): Partial<Session> {
    const session = this.#known.get(id);
    return (session && changesOf(session)) ?? {};
  }

  #take(sessions: readonly Session[]): void {
    const before = this.#known;
    this.loaded = true;
    this.#all = sessions;
    this.#known = new Map(sessions.map((it) => [it.id, it]));
    for (const listener of this.#listeners) listener(this.#all, before);
  }
}
