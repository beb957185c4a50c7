// The emulator of one terminal: xterm.js with our colours, sizes and keys.
import { FitAddon } from "@xterm/addon-fit";
import { Unicode11Addon } from "@xterm/addon-unicode11";
import { WebLinksAddon } from "@xterm/addon-web-links";
import { Terminal } from "@xterm/xterm";
import { isDark, onTheme } from "../state/theme";
import { DARK, LIGHT } from "./colours";
import type { Size } from "./connection";
import { SCROLLBACK_ROWS } from "./connection";

const FONT = 'ui-monospace, "SF Mono", "Cascadia Mono", "JetBrains Mono", "DejaVu Sans Mono", Menlo, Consolas, "Liberation Mono", monospace';
const FONT_SIZE = 13;
const FONT_SIZE_MIN = 8;
const ROWS_MIN = 4;
const COLS_MIN = 20;

export interface ScreenListener {
  /** A person, or the emulator in answer to a question, says this. */
  data(text: string): void;
  binary(text: string): void;
  title(text: string): void;
  /** The key that leaves the terminal. */
  leave(): void;
}

export class Screen {
  readonly terminal: Terminal;
  #fit = new FitAddon();
  #forget: () => void;

  constructor(private readonly host: HTMLElement, listener: ScreenListener) {
    this.terminal = new Terminal({
      allowProposedApi: true,
      cursorBlink: false,
      fontFamily: FONT,
      fontSize: FONT_SIZE,
      lineHeight: 1.1,
      scrollback: SCROLLBACK_ROWS,
      theme: isDark() ? DARK : LIGHT,
      minimumContrastRatio: 4.5,
      macOptionIsMeta: true,
      rightClickSelectsWord: true,
    });
    this.terminal.loadAddon(this.#fit);
    this.terminal.loadAddon(new Unicode11Addon());
    this.terminal.unicode.activeVersion = "11";
    this.terminal.loadAddon(new WebLinksAddon((_, uri) => openLink(uri)));
    this.terminal.open(host);
    this.terminal.onData((text) => listener.data(text));
    this.terminal.onBinary((text) => listener.binary(text));
    this.terminal.onTitleChange((text) => listener.title(text));
    this.terminal.attachCustomKeyEventHandler((event) => this.#key(event, listener));
    this.#forget = onTheme(() => (this.terminal.options.theme = isDark() ? DARK : LIGHT));
  }

  /** False keeps a key from the program. */
  #key(event: KeyboardEvent, listener: ScreenListener): boolean {
    if (!event.ctrlKey || event.altKey || event.metaKey) return true;
    const keep = (act: () => void): boolean => {
      event.preventDefault();
      if (event.type === "keydown") act();
      return false;
    };
    if (event.code === "Backslash" || event.key === "\\" || event.key === "|") {
      return keep(() => (event.shiftKey ? listener.data("\x1c") : listener.leave()));
    }
    if (event.shiftKey && event.code === "KeyC") return keep(() => this.copy());
    // The browser's own paste follows.
    if (event.shiftKey && event.code === "KeyV") return false;
    return true;
  }

  copy(): void {
    const text = this.terminal.getSelection();
    if (text) void navigator.clipboard?.writeText(text).catch(() => undefined);
  }

  /** The size that fills the place it has; nothing while it is not shown. */
  fitting(): Size | null {
    this.#font(FONT_SIZE);
    const found = this.#fit.proposeDimensions();
    if (!found || !Number.isFinite(found.rows) || !Number.isFinite(found.cols)) return null;
    if (this.host.clientWidth === 0) return null;
    return { rows: Math.max(ROWS_MIN, found.rows), cols: Math.max(COLS_MIN, found.cols) };
  }

  resize(size: Size): void {
    if (size.rows !== this.terminal.rows || size.cols !== this.terminal.cols) {
      this.terminal.resize(size.cols, size.rows);
    }
  }

  /** Shows a terminal of somebody else's size: the letters become as small as it takes. */
  shrinkTo(size: Size): void {
    const room = this.fitting();
    if (room) {
      const scale = Math.min(1, room.cols / size.cols, room.rows / size.rows);
      this.#font(Math.max(FONT_SIZE_MIN, Math.floor(FONT_SIZE * scale * 2) / 2));
    }
    this.resize(size);
  }

  #font(size: number): void {
    if (this.terminal.options.fontSize !== size) this.terminal.options.fontSize = size;
  }

  set mayType(may: boolean) {
    this.terminal.options.disableStdin = !may;
    this.terminal.options.cursorStyle = may ? "block" : "underline";
  }

  dispose(): void {
    this.#forget();
    this.terminal.dispose();
  }
}

function openLink(uri: string): void {
  if (/^https?:\/\//i.test(uri)) window.open(uri, "_blank", "noopener,noreferrer");
}
