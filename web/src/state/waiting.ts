// Tells a person who looks elsewhere that a session waits: a mark in the title, and a notification where that is allowed.
import type { Session } from "../api/types";
import icon from "../icon.svg";

const KEY = "wharf.notify";
const UNSEEN = "wharf.unseen";

export type Permission = "on" | "off" | "blocked" | "impossible";

export function permission(): Permission {
  if (!("Notification" in window)) return "impossible";
  if (Notification.permission === "denied") return "blocked";
  return Notification.permission === "granted" && localStorage.getItem(KEY) === "on" ? "on" : "off";
}

/** Switches notifications on or off; the browser may ask first. */
export async function toggle(): Promise<Permission> {
  const now = permission();
  if (now === "on") localStorage.setItem(KEY, "off");
  else if (now === "off" && (await Notification.requestPermission()) === "granted") localStorage.setItem(KEY, "on");
  return permission();
}

/** Those that began to wait since the last look. */
export function begun(sessions: readonly Session[], before: ReadonlyMap<string, Session>): Session[] {
  return sessions.filter((it) => it.status === "waiting" && before.has(it.id) && before.get(it.id)?.status !== "waiting");
}

/** The sessions that began to wait and that nobody has looked at since; a reload of the page is no look. */
export class Unseen {
  #ids = new Set((sessionStorage.getItem(UNSEEN) ?? "").split(",").filter(Boolean));

  add(sessions: readonly Session[]): void {
    this.#keep([...this.#ids, ...sessions.map((it) => it.id)]);
  }

  of(sessions: readonly Session[], isWatched: (id: string) => boolean): Session[] {
    const left = sessions.filter((it) => this.#ids.has(it.id) && it.status === "waiting" && !isWatched(it.id));
    this.#keep(left.map((it) => it.id));
    return left;
  }

  #keep(ids: readonly string[]): void {
    this.#ids = new Set(ids);
    sessionStorage.setItem(UNSEEN, [...this.#ids].join(","));
  }
}

export function title(waiting: readonly Session[], workspace: string): string {
  const place = workspace ? `wharf · ${workspace}` : "wharf";
  if (waiting.length === 0) return place;
  const who = waiting.length === 1 ? `${waiting[0]?.name} waits` : `${waiting.length} sessions wait`;
  return `● ${who} · ${place}`;
}

export function notify(session: Session, open: () => void): void {
  if (permission() !== "on") return;
  let note: Notification;
  try {
    note = new Notification(`${session.name} waits`, {
      body: session.currentPhase ? `${session.branch} · ${session.currentPhase}` : session.branch,
      icon,
      // One per session: a newer one takes the place of an older one.
      tag: `wharf-${session.id}`,
    });
  } catch {
    // Some browsers allow them and have none for a page; the mark in the title says it there.
    return;
  }
  note.onclick = () => {
    window.focus();
    open();
    note.close();
  };
}
