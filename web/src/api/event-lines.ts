// How an event stream is cut into events (the text/event-stream format).

export interface StreamEvent {
  type: string;
  data: string;
  id: string;
}

/** Collects text until events are whole. */
export class EventLines {
  #rest = "";
  #type = "";
  #data: string[] = [];
  /** The id of the last event; what a reconnect tells the server. */
  lastId = "";

  take(text: string): StreamEvent[] {
    const found: StreamEvent[] = [];
    // A CR at the very end may be half of a CR LF.
    const all = this.#rest + text;
    const keep = all.endsWith("\r") ? 1 : 0;
    const lines = all.slice(0, all.length - keep).split(/\r\n|\n|\r/);
    this.#rest = (lines.pop() ?? "") + all.slice(all.length - keep);
    for (const line of lines) this.#line(line, found);
    return found;
  }

  #line(line: string, found: StreamEvent[]): void {
    if (line === "") {
      if (this.#data.length > 0 || this.#type !== "") {
        found.push({ type: this.#type || "message", data: this.#data.join("\n"), id: this.lastId });
      }
      this.#type = "";
      this.#data = [];
      return;
    }
    const colon = line.indexOf(":");
    if (colon === 0) return;
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
    if (field === "event") this.#type = value;
    else if (field === "data") this.#data.push(value);
    else if (field === "id" && !value.includes("\0")) this.lastId = value;
  }
}
