// One live terminal: the emulator, its connection, and the words about both.
import { isPhone } from "../view/width";
import { textButton } from "../view/button";
import { fill, h } from "../view/dom";
import { Connection, type Link, type Size } from "./connection";
import { Feed } from "./feed";
import type { Exited, Role } from "./frames";
import { Screen } from "./screen";
import { SoftKeys } from "./soft-keys";

const RESIZE_MS = 120;
const DEFAULT_SIZE: Size = { rows: 24, cols: 80 };

export interface LiveListener {
  /** What is known about it has changed. */
  changed(): void;
  leave(): void;
  /** The program ended, or there is none. */
  over(exited: Exited | null): void;
}

export class Live {
  readonly element: HTMLElement;
  #host = h("div", { class: "screen" });
  #bar = h("div", { class: "live-bar", role: "status" });
  #screen: Screen;
  #feed: Feed;
  #connection: Connection;
  #soft: SoftKeys;
  #watch: ResizeObserver;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #sent: Size = DEFAULT_SIZE;
  /** The size of the terminal as the holder has it. */
  #theirs: Size = DEFAULT_SIZE;
  /** This page may only look. */
  #readOnly: boolean;
  /** Control was taken away. */
  #wasTold = false;
  /** Control is being given away. */
  #letGo = false;
  #encoder = new TextEncoder();
  /** Whether it was said who types, since it was connected. */
  #told = false;
  /** Why the terminal itself does not show it. */
  #refusal = "";
  link: Link = "connecting";
  controls = false;
  title = "";
  pid = 0;

  constructor(
    id: string,
    role: Role,
    readOnly: boolean,
    private readonly listener: LiveListener,
  ) {
    this.#readOnly = readOnly;
    this.#soft = new SoftKeys({
      type: (text) => this.#type(text),
      applicationCursor: () => this.#screen.terminal.modes.applicationCursorKeysMode,
      paste: (text) => this.#screen.terminal.paste(text),
      focus: () => this.focus(),
    });
    this.element = h("div", { class: "live" }, this.#bar, this.#host, this.#soft.element);
    this.#screen = new Screen(this.#host, {
      data: (text) => this.#type(this.#soft.changed(text)),
      binary: (text) => this.#connection.type(Uint8Array.from(text, (it) => it.charCodeAt(0) & 0xff)),
      title: (text) => {
        this.title = text;
        listener.changed();
      },
      leave: () => listener.leave(),
    });
    this.#screen.mayType = false;
    this.#feed = new Feed(this.#screen.terminal, () => this.#connection.attach(this.#connection.role));
    this.#connection = new Connection(id, readOnly ? "observe" : role, () => this.#size(), {
      link: (link) => this.#linked(link),
      hello: (pid, size) => {
        this.pid = pid;
        this.#theirs = size;
      },
      expectFull: () => this.#feed.expectFull(),
      output: (bytes) => this.#feed.output(bytes),
      snapshot: (bytes, isLast) => this.#feed.snapshot(bytes, isLast),
      status: (controls, size) => this.#status(controls, size),
      exit: (exited) => listener.over(exited),
      refused: (_, message) => (this.#refusal = message),
    });
    this.#watch = new ResizeObserver(() => this.#resized());
    this.#watch.observe(this.#host);
  }

  get role(): Role {
    return this.#connection.role;
  }

  /** Takes control, from whoever has it. */
  take(): void {
    this.#wasTold = false;
    this.#connection.attach("take");
    this.focus();
  }

  /** Says whether this page may type at all, which another link can change. */
  may(type: boolean): void {
    if (this.#readOnly === !type) return;
    this.#readOnly = !type;
    this.#say();
  }

  /** Lets others type. */
  observe(): void {
    this.#letGo = this.controls;
    this.#connection.attach("observe");
  }

  hurry(): void {
    this.#connection.hurry();
  }

  focus(): void {
    this.#screen.terminal.focus();
  }

  hasFocus(): boolean {
    return this.#host.contains(document.activeElement);
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#watch.disconnect();
    this.#connection.close();
    this.#screen.dispose();
  }

  /** Nothing comes any more; what was shown stays to be read. */
  freeze(): void {
    this.#screen.mayType = false;
    this.#bar.replaceChildren();
    this.#soft.element.remove();
    this.#connection.close();
  }

  #type(text: string): void {
    if (this.controls) this.#connection.type(this.#encoder.encode(text));
  }

  #size(): Size {
    // Where it is not shown there is nothing to fit: it stays as large as it is.
    const size = this.#screen.fitting() ?? this.#theirs;
    this.#sent = size;
    return size;
  }

  #resized(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      if (!this.controls) {
        this.#screen.shrinkTo(this.#theirs);
        return;
      }
      const size = this.#screen.fitting();
      if (!size || (size.rows === this.#sent.rows && size.cols === this.#sent.cols)) return;
      // The holder sends the screen for the new size, scrollback and all.
      this.#connection.attach("control");
    }, RESIZE_MS);
  }

  #status(controls: boolean, size: Size): void {
    // Nobody here asked to look on, so somebody else has taken over.
    if (this.controls && !controls) this.#wasTold = !this.#letGo;
    this.#letGo = false;
    this.#refusal = "";
    this.#told = true;
    this.controls = controls;
    this.#theirs = size;
    if (controls) {
      this.#wasTold = false;
      this.#screen.fitting();
      this.#screen.resize(size);
    } else this.#screen.shrinkTo(size);
    this.#screen.mayType = controls;
    this.#say();
    this.listener.changed();
  }

  #linked(link: Link): void {
    this.link = link;
    if (link !== "live") {
      this.#screen.mayType = false;
      this.#told = false;
    }
    if (link === "absent") this.listener.over(null);
    this.#say();
    this.listener.changed();
  }

  #say(): void {
    // One that was turned away knocks again, and still has nothing to show.
    const isKnocking = this.link === "live" && this.#refusal !== "" && !this.#told;
    const isAway = this.link === "lost" || this.link === "refused" || isKnocking;
    this.element.classList.toggle("lost", isAway);
    this.element.classList.toggle("observes", !this.controls);
    this.#soft.element.hidden = !this.controls || !isPhone();
    if (isAway) {
      const text =
        this.link === "lost"
          ? "The server is away. The program goes on; this comes back by itself."
          : this.#refusal !== ""
            ? `This terminal is not shown: ${this.#refusal}. It is asked again.`
            : "The server does not show this terminal now; too many may be open. It is asked again.";
      fill(this.#bar, h("span", {}, text), textButton("Try now", () => this.hurry(), "small"));
    } else if (this.link === "live" && this.#told && !this.controls) {
      const text = this.#wasTold ? "Somebody else took control." : "You look on.";
      this.#bar.classList.toggle("told", this.#wasTold);
      fill(this.#bar, h("span", {}, text), !this.#readOnly && textButton("Take control", () => this.take(), "small"));
    } else fill(this.#bar);
  }
}
