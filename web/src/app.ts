// What the page does: it owns what is known and what is shown, and carries what happens from one to the other.
import * as api from "./api/client";
import type { ServerEvent } from "./api/event-message";
import { Problem } from "./api/problem";
import { Stream } from "./api/stream";
import type { Session, Settings } from "./api/types";
import { listenToKeys } from "./keys";
import { readPlace, writePlace } from "./state/place";
import { Sessions } from "./state/sessions";
import * as waiting from "./state/waiting";
import { openCreate } from "./view/create-dialog";
import { openDestroy } from "./view/destroy-dialog";
import { openDetails } from "./view/details-dialog";
import { h } from "./view/dom";
import { openHelp } from "./view/help-dialog";
import { List } from "./view/list";
import { lockedPage } from "./view/locked";
import { openLogOut } from "./view/log-out-dialog";
import type { Deeds } from "./view/pane";
import { Side } from "./view/side";
import { openStart } from "./view/start-dialog";
import { openStop } from "./view/stop-dialog";
import { note, problem } from "./view/toast";
import { openTrash } from "./view/trash-dialog";
import { Workbench } from "./view/workbench";

export class App {
  /** Nothing may be changed before the server has said that this page may. */
  #settings: Settings | null = null;
  #sessions = new Sessions((it) => this.#failed(it));
  #bench: Workbench;
  #list: List;
  #side: Side;
  #stream: Stream | null = null;
  #locked = false;
  #unseen = new waiting.Unseen();

  constructor() {
    this.#bench = new Workbench((id) => this.#sessions.find(id), this.#deeds(), {
      moved: () => this.#moved(),
      left: () => this.#list.focus(),
      full: () => note("Close a terminal first: no more fit beside each other."),
    });
    this.#list = new List(
      () => ({ open: this.#bench.open, front: this.#bench.front }),
      (id) => this.#bench.show(id, true),
      () => (this.#sessions.loaded ? "No sessions yet." : "Looking…"),
    );
    this.#side = new Side(this.#list.element, {
      create: () => this.#create(),
      trash: () => this.#trash(),
      logOut: () => openLogOut(() => this.#failed(new Problem(401, "UNAUTHORIZED", "all browsers were logged out"))),
      help: openHelp,
      layout: () => this.#bench.toggleLayout(),
    });
    this.#sessions.listen((all, before) => this.#changed(all, before));
    this.#listen();
  }

  run(): void {
    document.body.append(this.#side.element, this.#bench.element);
    this.#bench.welcome(
      h("p", { class: "welcome-big" }, "Open a session to work in it."),
      h("p", { class: "muted" }, "Programs go on when this page, the server or the connection goes away."),
      h("p", { class: "muted" }, h("kbd", {}, "n"), " makes one, ", h("kbd", {}, "?"), " lists the keys."),
    );
    void this.#begin();
  }

  async #begin(): Promise<void> {
    await this.#learn();
    if (this.#locked) return;
    // What git sees in the worktrees is asked for when the server greets.
    await this.#sessions.changed([]);
    if (this.#locked) return;
    this.#bench.restore(readPlace(location.hash));
    this.#list.draw();
    this.#stream = new Stream({
      event: (it) => this.#heard(it),
      connected: (is) => {
        this.#side.connected(is);
        if (!is) return;
        this.#bench.hurry();
        // Another link may have let this browser in meanwhile.
        void this.#learn();
      },
      refused: (it) => this.#failed(it),
    });
  }

  /** Every connection begins with a greeting, so all is looked at once after each; a reset may follow it. */
  #heard(event: ServerEvent): void {
    if (event.type === "hello") void this.#sessions.refresh();
    else void this.#sessions.changed(event.sessions);
  }

  /** Asks what this page may do, and where it is. */
  async #learn(): Promise<void> {
    try {
      const known = await api.settings();
      this.#settings = known;
      this.#side.name(known.workspace, known.version, known.readOnly);
      this.#bench.update();
    } catch (thrown) {
      this.#failed(Problem.from(thrown));
    }
  }

  get #readOnly(): boolean {
    return this.#settings?.readOnly ?? true;
  }

  #deeds(): Deeds {
    const then = (done: Promise<unknown>): void => void done.catch(problem).finally(() => this.#sessions.refresh());
    return {
      readOnly: () => this.#readOnly,
      start: (it) => openStart(it, this.#settings?.agents ?? [], (started) => this.#made(started)),
      resume: (it) => then(api.resume(it.id).then(() => this.#made(it))),
      stop: (it) => openStop(it, "Stop", () => then(api.stop(it.id))),
      restart: (it) => openStop(it, "Restart", () => then(api.restart(it.id))),
      details: (it) => openDetails(it, this.#readOnly, () => void this.#sessions.refresh()),
      destroy: (it) => openDestroy(it, () => this.#destroyed(it)),
    };
  }

  #create(): void {
    if (this.#readOnly) return;
    openCreate(this.#settings?.agents ?? [], (session) => this.#made(session));
  }

  #trash(): void {
    if (!this.#readOnly) openTrash((session) => this.#made(session));
  }

  /** A session was made, started or brought back: it is shown. */
  #made(session: Session): void {
    void this.#sessions.refresh().then(() => this.#bench.show(session.id, true));
  }

  #destroyed(session: Session): void {
    this.#bench.close(session.id);
    void this.#sessions.refresh();
    const bringBack = (): void => void api.undo(session.id).then((it) => this.#made(it), problem);
    note(`${session.name} was destroyed.`, { label: "Undo", press: bringBack });
  }

  #changed(all: readonly Session[], before: ReadonlyMap<string, Session>): void {
    this.#bench.update();
    this.#list.show(all);
    this.#side.connected(true);
    const begun = waiting.begun(all, before).filter((it) => !this.#bench.isWatched(it.id));
    this.#unseen.add(begun);
    this.#mark();
    for (const session of begun) waiting.notify(session, () => this.#bench.show(session.id, true));
  }

  /** Marks the title while a session waits that nobody has looked at since. */
  #mark(): void {
    if (!this.#sessions.loaded) return;
    const unseen = this.#unseen.of(this.#sessions.all, (id) => this.#bench.isWatched(id));
    document.title = waiting.title(unseen, this.#settings?.workspace.split("/").filter(Boolean).pop() ?? "");
  }

  #moved(): void {
    const { pathname, search } = location;
    history.replaceState(null, "", pathname + search + writePlace(this.#bench.place));
    this.#list.draw();
    this.#mark();
  }

  #failed(it: Problem): void {
    if (it.status === 401 && !this.#locked) {
      this.#locked = true;
      this.#stream?.close();
      document.body.replaceChildren(lockedPage());
    } else if (it.status === 0 && it.code === "UNREACHABLE") this.#side.connected(false);
    else if (!this.#locked) problem(it);
  }

  /** The session that a key is about: that of the focused row, else the one in front. */
  #meant(): Session | undefined {
    const id = this.#list.focused() ?? this.#bench.front;
    return id === null ? undefined : this.#sessions.find(id);
  }

  #listen(): void {
    const deeds = this.#deeds();
    const about = (deed: (session: Session) => void): void => {
      const session = this.#meant();
      if (session) deed(session);
    };
    const change = (deed: (session: Session) => void): void => {
      if (!this.#readOnly) about(deed);
    };
    addEventListener("focus", () => this.#mark());
    document.addEventListener("visibilitychange", () => this.#mark());
    addEventListener("hashchange", () => this.#bench.restore(readPlace(location.hash)));
    listenToKeys({
      help: openHelp,
      create: () => this.#create(),
      find: () => this.#list.find.focus(),
      move: (by) => this.#list.move(by),
      startOrStop: () => change((it) => (it.running ? deeds.stop(it) : deeds.start(it))),
      details: () => about(deeds.details),
      destroy: () => change(deeds.destroy),
      trash: () => this.#trash(),
      at: (index) => this.#bench.focusAt(index),
      layout: () => this.#bench.toggleLayout(),
      close: () => this.#bench.front && this.#bench.close(this.#bench.front),
      theme: () => this.#side.nextTheme(),
      list: () => this.#list.focus(),
    });
  }
}
