// One message of the server about what happened, as text.

export interface ServerEvent {
  /** `hello`, `changed`, `reset`; `alive` means nothing else. */
  type: string;
  /** What a reconnect tells the server; none where it has no number. */
  id: number | null;
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
  const { event, id } = value as Record<string, unknown>;
  return typeof event === "string" ? { type: event, id: typeof id === "number" ? id : null } : null;
}
