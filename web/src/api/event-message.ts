// One message of the server about what happened, as text.

export interface ServerEvent {
  /** `hello`, `changed`, `reset`; `alive` means nothing else. */
  type: string;
  /** What a reconnect tells the server; none where it has no number. */
  id: number | null;
  /** Which sessions changed. */
  sessions: string[];
}

/** What a message says; nothing where it makes no sense. */
export function eventOf(text: unknown): ServerEvent | null {
  if (typeof text !== "string") return null;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return null;
  }
  if (typeof value !== "object" || value === null) return null;
  const { event, id, data } = value as Record<string, unknown>;
  if (typeof event !== "string") return null;
  const named = (data as { sessions?: unknown } | undefined)?.sessions;
  const sessions = Array.isArray(named) ? named.filter((it) => typeof it === "string") : [];
  return { type: event, id: typeof id === "number" ? id : null, sessions };
}
