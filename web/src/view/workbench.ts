// The open sessions beside each other, or one at a time behind tabs.
import type { Session } from "../api/types";
import { OPEN_MAX, type Layout, type Place } from "../state/place";
import { fill, h } from "./dom";
import { Pane, type Deeds } from "./pane";
import { statusMark } from "./status";
import { isPhone, onWidth } from "./width";

export interface WorkbenchListener {
  /** Which are open, or which one is in front, has changed. */
  moved(): void;
  /** The focus leaves a terminal. */
  left(): void;
  full(): void;
}

export class Workbench {
  readonly element = h("main", { class: "bench", "aria-label": "Open sessions" });
  #tabs = h("div", { class: "tabs", role: "tablist", "aria-label": "Open sessions" });
  #grid = h("div", { class: "grid" });
  #welcome = h("div", { class: "welcome" });
  #panes = new Map<string, Pane>();
  #front: string | null = null;
  #layout: Layout = "grid";
  #observe = new Set<string>();
  /** On a phone: whether the list is shown instead of a terminal. */
  #shows: "list" | "pane" = "list";

  constructor(
    private readonly find: (id: string) => Session | undefined,
    private readonly deeds: Deeds,
    private readonly listener: WorkbenchListener,
  ) {
    this.element.append(this.#tabs, this.#grid, this.#welcome);
    onWidth(() => this.draw());
  }

  get place(): Place {
    return { open: this.open, at: this.#front, layout: this.#layout, observe: [...this.#observe].filter((it) => this.#panes.has(it)) };
  }

  get open(): string[] {
    return [...this.#panes.keys()];
  }

  get front(): string | null {
    return this.#front;
  }

  /** Whether a person has a session before their eyes. */
  isWatched(id: string): boolean {
    const pane = this.#panes.get(id);
    return pane !== undefined && !document.hidden && document.hasFocus() && pane.element.offsetParent !== null;
  }

  /** Opens what an address names. */
  restore(place: Place): void {
    this.#layout = place.layout;
    this.#observe = new Set(place.observe);
    for (const id of this.open) if (!place.open.includes(id)) this.#remove(id);
    for (const id of place.open) this.#add(id);
    this.#front = place.at;
    this.#shows = place.open.length > 0 ? "pane" : "list";
    this.draw();
  }

  show(id: string, focus: boolean): void {
    if (!this.#panes.has(id) && this.#panes.size >= OPEN_MAX) {
      this.listener.full();
      return;
    }
    this.#add(id);
    this.#shows = "pane";
    this.#toFront(id);
    this.draw();
    if (focus) this.#panes.get(id)?.focus();
  }

  close(id: string): void {
    const ids = this.open;
    const at = ids.indexOf(id);
    if (at < 0) return;
    const had = this.#panes.get(id)?.element.contains(document.activeElement) ?? false;
    this.#remove(id);
    if (this.#front === id) this.#front = ids[at + 1] ?? ids[at - 1] ?? null;
    if (this.#panes.size === 0) this.#shows = "list";
    this.draw();
    this.listener.moved();
    if (had) this.leave();
  }

  /** Closes one by its button: who was typing goes on in the one that comes to the front. */
  #closed(id: string): void {
    this.close(id);
    if (this.#front !== null) this.#panes.get(this.#front)?.focus();
  }

  /** Puts the focus on the pane in front without typing in it, or back on the list. */
  leave(): void {
    const pane = this.#front !== null && this.#shows === "pane" ? this.#panes.get(this.#front) : undefined;
    if (pane) pane.leave();
    else this.listener.left();
  }

  focusAt(index: number): void {
    const id = this.open[index];
    if (id !== undefined) this.show(id, true);
  }

  toggleLayout(): void {
    this.#layout = this.#layout === "grid" ? "tabs" : "grid";
    this.draw();
    this.listener.moved();
  }

  backToList(): void {
    this.#shows = "list";
    this.draw();
    this.listener.left();
  }

  update(): void {
    for (const [id, pane] of this.#panes) pane.update(this.find(id));
    this.draw();
  }

  hurry(): void {
    for (const pane of this.#panes.values()) pane.hurry();
  }

  welcome(...content: Node[]): void {
    fill(this.#welcome, ...content);
  }

  #add(id: string): void {
    if (this.#panes.has(id)) return;
    const pane = new Pane(id, this.#observe.has(id) ? "observe" : "control", this.deeds, {
      front: (it) => this.#toFront(it),
      close: (it) => this.#closed(it),
      back: () => this.backToList(),
      leave: () => pane.leave(),
      role: (it, role) => this.#role(it, role === "observe"),
    });
    this.#panes.set(id, pane);
    this.#grid.append(pane.element);
    pane.update(this.find(id));
  }

  #remove(id: string): void {
    this.#panes.get(id)?.close();
    this.#panes.delete(id);
  }

  #role(id: string, observes: boolean): void {
    if (this.#observe.has(id) === observes) return;
    if (observes) this.#observe.add(id);
    else this.#observe.delete(id);
    this.listener.moved();
  }

  #toFront(id: string): void {
    if (this.#front === id) return;
    this.#front = id;
    this.draw();
    this.listener.moved();
  }

  draw(): void {
    const single = this.#layout === "tabs" || isPhone();
    document.body.dataset["shows"] = this.#shows;
    this.#grid.dataset["count"] = String(single ? Math.min(1, this.#panes.size) : this.#panes.size);
    this.#grid.hidden = this.#panes.size === 0;
    this.#welcome.hidden = this.#panes.size > 0;
    for (const [id, pane] of this.#panes) {
      pane.element.hidden = single && id !== this.#front;
      pane.element.classList.toggle("front", id === this.#front && this.#panes.size > 1 && !single);
    }
    this.#tabs.hidden = !single || this.#panes.size < 2;
    this.#drawTabs();
  }

  #drawTabs(): void {
    if (this.#tabs.hidden) {
      this.#tabs.replaceChildren();
      return;
    }
    const had = this.#tabs.contains(document.activeElement);
    const tabs = this.open.map((id) => {
      const session = this.find(id);
      const isFront = id === this.#front;
      return h(
        "button",
        {
          type: "button",
          role: "tab",
          class: "tab",
          "aria-selected": String(isFront),
          tabindex: isFront ? 0 : -1,
          onclick: () => this.show(id, false),
          onkeydown: (event: KeyboardEvent) => this.#tabKey(event),
        },
        session ? statusMark(session) : null,
        session?.name ?? "gone",
      );
    });
    this.#tabs.replaceChildren(...tabs);
    if (had) this.#tabs.querySelector<HTMLElement>('[aria-selected="true"]')?.focus();
  }

  #tabKey(event: KeyboardEvent): void {
    const by = event.key === "ArrowRight" ? 1 : event.key === "ArrowLeft" ? -1 : 0;
    if (by === 0) return;
    event.preventDefault();
    const ids = this.open;
    const next = ids[(ids.indexOf(this.#front ?? "") + by + ids.length) % ids.length];
    if (next !== undefined) this.show(next, false);
  }
}
