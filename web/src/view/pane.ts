// One open session: its head with what can be done, and below it the live terminal or what to start.
import type { Session } from "../api/types";
import { endOf } from "../state/facts";
import { Live } from "../terminal/live";
import type { Exited, Role } from "../terminal/frames";
import { textButton } from "./button";
import { fill, h } from "./dom";
import { PaneHead } from "./pane-head";
import { restCard } from "./rest-card";

/** A terminal that the server does not have is asked for again no sooner than this. */
const ABSENT_MS = 3_000;

/** What a person can do with a session; the page does it. */
export interface Deeds {
  readOnly(): boolean;
  start(session: Session): void;
  resume(session: Session): void;
  stop(session: Session): void;
  restart(session: Session): void;
  details(session: Session): void;
  destroy(session: Session): void;
}

export interface PaneListener {
  front(id: string): void;
  close(id: string): void;
  back(): void;
  leave(id: string): void;
  role(id: string, role: Role): void;
}

export class Pane {
  readonly element: HTMLElement;
  #head: PaneHead;
  #body = h("div", { class: "pane-body" });
  #live: Live | null = null;
  #over = false;
  #absentAt = 0;
  #session: Session | undefined;
  #wantsFocus = false;

  constructor(
    readonly id: string,
    private readonly role: Role,
    private readonly deeds: Deeds,
    private readonly listener: PaneListener,
  ) {
    this.#head = new PaneHead(deeds, {
      close: () => listener.close(id),
      back: () => listener.back(),
      take: () => this.#live?.take(),
      observe: () => this.#live?.observe(),
    });
    this.element = h("section", { class: "pane", tabindex: -1, "data-id": id }, this.#head.element, this.#body);
    this.element.addEventListener("focusin", () => listener.front(id));
    this.element.addEventListener("pointerdown", () => listener.front(id));
    this.element.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && event.target === this.element) {
        event.preventDefault();
        this.focus();
      }
    });
    fill(this.#body, h("p", { class: "muted pad" }, "Looking…"));
  }

  get session(): Session | undefined {
    return this.#session;
  }

  /** Shows what the list says about it now; nothing when there is no such session. */
  update(session: Session | undefined): void {
    this.#session = session;
    this.element.setAttribute("aria-label", session ? session.name : "no such session");
    if (!session) {
      this.#drop();
      fill(this.#body, h("p", { class: "muted pad" }, "There is no such session any more."));
    } else if (this.#live && !this.#over && !session.running && this.#live.link !== "live") {
      this.#ended(null);
    } else if (this.#live) {
      const isAnother = this.#over && session.running && session.ptyPid !== this.#live.pid;
      if (isAnother) this.#begin(session);
    } else if (session.running && Date.now() - this.#absentAt > ABSENT_MS) {
      this.#begin(session);
    } else {
      this.#rest(session);
    }
    this.#draw();
  }

  /** Puts the focus where typing goes. */
  focus(): void {
    this.#wantsFocus = true;
    if (this.#live && !this.#over) this.#live.focus();
    else (this.#body.querySelector("button") ?? this.element).focus();
  }

  /** Takes the focus out of the terminal, and keeps it on the pane. */
  leave(): void {
    this.#wantsFocus = false;
    this.element.focus();
  }

  hurry(): void {
    this.#live?.hurry();
  }

  close(): void {
    this.#drop();
    this.element.remove();
  }

  #drop(): void {
    this.#live?.close();
    this.#live = null;
    this.#over = false;
  }

  #begin(session: Session): void {
    const had = this.#wantsFocus || this.element.contains(document.activeElement);
    this.#drop();
    this.#live = new Live(session.id, this.role, this.deeds.readOnly(), {
      changed: () => this.#draw(),
      leave: () => this.listener.leave(this.id),
      over: (exited) => this.#ended(exited),
    });
    fill(this.#body, this.#live.element);
    if (had) this.#live.focus();
  }

  #ended(exited: Exited | null): void {
    if (!exited) {
      this.#absentAt = Date.now();
      this.#drop();
      if (this.#session) this.#rest(this.#session);
    } else {
      this.#over = true;
      this.#live?.freeze();
      const bar = h("div", { class: "end-bar", role: "status" }, h("span", {}, `The program ended: ${endOf(exited)}.`));
      const session = (): Session | undefined => this.#session;
      if (!this.deeds.readOnly()) {
        bar.append(
          textButton("Start again", () => ((it) => it && this.deeds.resume(it))(session()), "small primary"),
          textButton("Start…", () => ((it) => it && this.deeds.start(it))(session()), "small"),
        );
      }
      this.#body.append(bar);
    }
    this.#draw();
  }

  #rest(session: Session): void {
    const rests = JSON.stringify([session, this.deeds.readOnly()]);
    if (this.#body.dataset["rests"] === rests) return;
    const had = this.#body.contains(document.activeElement);
    fill(this.#body, restCard(session, this.deeds));
    this.#body.dataset["rests"] = rests;
    if (had || this.#wantsFocus) this.#body.querySelector("button")?.focus();
  }

  #draw(): void {
    const live = this.#over ? null : this.#live;
    if (this.#live) delete this.#body.dataset["rests"];
    live?.may(!this.deeds.readOnly());
    if (live?.link === "live") this.listener.role(this.id, live.role);
    this.#head.update(this.#session, live);
  }
}
