// Which terminals are open, in the address of the page, so that a reload and a bookmark bring them back.

const ID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
/** As many as fit beside each other with some sense. */
export const OPEN_MAX = 12;

export type Layout = "grid" | "tabs";

export interface Place {
  open: string[];
  /** The one in front. */
  at: string | null;
  layout: Layout;
  /** Those that only look on. */
  observe: string[];
}

export function readPlace(hash: string): Place {
  const query = new URLSearchParams(hash.replace(/^#/, ""));
  const ids = (key: string): string[] => [...new Set((query.get(key) ?? "").split(",").filter((it) => ID.test(it)))];
  const open = ids("open").slice(0, OPEN_MAX);
  const at = query.get("at");
  return {
    open,
    at: at !== null && open.includes(at) ? at : (open[0] ?? null),
    layout: query.get("layout") === "tabs" ? "tabs" : "grid",
    observe: ids("observe").filter((it) => open.includes(it)),
  };
}

export function writePlace(place: Place): string {
  const parts: string[] = [];
  if (place.open.length > 0) parts.push(`open=${place.open.join(",")}`);
  if (place.at && place.open.length > 1) parts.push(`at=${place.at}`);
  if (place.layout !== "grid") parts.push(`layout=${place.layout}`);
  if (place.observe.length > 0) parts.push(`observe=${place.observe.join(",")}`);
  return parts.length > 0 ? `#${parts.join("&")}` : "";
}
