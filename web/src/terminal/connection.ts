// One live terminal over a WebSocket: attaches, comes back by itself, and knows who types.
import { Backoff } from "../api/backoff";
import { show, terminalUrl } from "../api/client";
import { Problem } from "../api/problem";
import { attach, detach, Frames, input, type Exited, type FromHolder, type Role } from "./frames";

export const SUBPROTOCOL = "wharf.terminal.v1";
/** How many rows that have scrolled off are asked for. */
export const SCROLLBACK_ROWS = 2_000;

/** How long the holder may take to answer when the connection may be dead. */
const PROBE_MS = 5_000;

export interface Size {
  rows: number;
  cols: number;
}

/** Where a connection stands: `lost` while the server is away, `refused` while it is there and does not show the terminal. */
export type Link = "connecting" | "live" | "lost" | "refused" | "ended" | "absent";

export interface ConnectionListener {
  link(link: Link): void;
  hello(pid: number, size: Size): void;
  /** A snapshot that replaces everything comes next. */
  expectFull(): void;
  output(bytes: Uint8Array): void;
  snapshot(bytes: Uint8Array, isLast: boolean): void;
  status(controls: boolean, size: Size): void;
  exit(exited: Exited): void;
  refused(code: string, message: string): void;
}

export class Connection {
  #socket: WebSocket | null = null;
  #frames = new Frames();
  #backoff = new Backoff();
  #retry: ReturnType<typeof setTimeout> | undefined;
  #closed = false;
  #greeted = false;
  /** An attach was sent whose screen has not begun to come. */
  #asked = false;
  #role: Role;
  #probe: ReturnType<typeof setTimeout> | undefined;
  /** The network was away: a connection that looks alive may be dead, and a browser does not notice until much later. */
  #hurry = (): void => {
    if (this.#retry !== undefined) this.#connect();
    else if (this.#greeted && !this.#closed && this.#probe === undefined) {
      this.#probe = setTimeout(() => this.#dead(), PROBE_MS);
      this.attach(this.#role);
    }
  };

  constructor(
    private readonly id: string,
    role: Role,
    private readonly size: () => Size,
    private readonly listener: ConnectionListener,
  ) {
    this.#role = role;
    addEventListener("online", this.#hurry);
    listener.link("connecting");
    this.#connect();
  }

  /** What it attaches as when it comes back. */
  get role(): Role {
    return this.#role;
  }

  /** Asks for another role, or with the same one for the screen anew. */
  attach(role: Role): void {
    this.#role = role === "take" ? "control" : role;
    if (!this.#greeted) return;
    const { rows, cols } = this.size();
    this.#asked = true;
    this.#send(attach({ role, rows, cols, scrollback: SCROLLBACK_ROWS, isTerminal: true }));
  }

  type(bytes: Uint8Array): void {
    for (const frame of input(bytes)) this.#send(frame);
  }

  /** Tries now instead of waiting for the next attempt, and finds out whether it still lives. */
  hurry(): void {
    this.#hurry();
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#retry);
    this.#lives();
    removeEventListener("online", this.#hurry);
    this.#send(detach());
    this.#socket?.close(1000);
    this.#socket = null;
  }

  #send(frame: Uint8Array): void {
    if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(frame as Uint8Array<ArrayBuffer>);
  }

  #connect(): void {
    clearTimeout(this.#retry);
    this.#retry = undefined;
    this.#frames = new Frames();
    this.#greeted = false;
    const socket = new WebSocket(terminalUrl(this.id), SUBPROTOCOL);
    socket.binaryType = "arraybuffer";
    socket.onmessage = (message) => this.#take(message.data);
    socket.onclose = () => {
      if (this.#socket === socket) this.#gone();
    };
    this.#socket = socket;
  }

  #take(data: unknown): void {
    if (!(data instanceof ArrayBuffer)) return;
    let messages: FromHolder[];
    try {
      messages = this.#frames.take(new Uint8Array(data));
    } catch {
      this.#socket?.close(4400, "bad frame");
      return;
    }
    for (const message of messages) this.#heed(message);
  }

  #heed(message: FromHolder): void {
    switch (message.kind) {
      case "hello":
        this.#greeted = true;
        this.listener.hello(message.pid, message);
        this.listener.link("live");
        this.attach(this.#role);
        break;
      case "output":
        this.listener.output(message.bytes);
        break;
      case "snapshot":
        this.listener.snapshot(message.bytes, message.isLast);
        break;
      case "status":
        this.#backoff.reset();
        this.#lives();
        // The holder says the role, then shows the screen that was asked for.
        if (this.#asked) this.listener.expectFull();
        this.#asked = false;
        if (!message.controls) this.#role = "observe";
        this.listener.status(message.controls, message);
        break;
      case "exit":
        this.#closed = true;
        this.listener.exit(message.exited);
        this.listener.link("ended");
        break;
      case "refused":
        this.#refused(message.code, message.message);
        break;
    }
  }

  #lives(): void {
    clearTimeout(this.#probe);
    this.#probe = undefined;
  }

  #dead(): void {
    this.#probe = undefined;
    const socket = this.#socket;
    this.#gone();
    socket?.close();
  }

  #refused(code: string, message: string): void {
    this.#lives();
    const wanted = this.#asked && this.#role !== "observe";
    this.#asked = false;
    this.listener.refused(code, message);
    if (code === "full" || code === "protocol") {
      this.#turnedAway();
      return;
    }
    // Somebody else types: look on, and let the person decide.
    if (wanted) this.attach("observe");
  }

  /** The terminal has no room for one more, or does not understand this page; both may change. */
  #turnedAway(): void {
    const socket = this.#socket;
    this.#socket = null;
    this.#greeted = false;
    socket?.close(1000);
    this.listener.link("refused");
    this.#retry = setTimeout(() => this.#connect(), this.#backoff.next());
  }

  #gone(): void {
    this.#socket = null;
    this.#lives();
    if (this.#closed) return;
    const wasThere = this.#greeted;
    this.#greeted = false;
    if (wasThere) this.listener.link("lost");
    else void this.#findOut();
    this.#retry = setTimeout(() => this.#connect(), this.#backoff.next());
  }

  /** A browser does not say why a WebSocket was refused: asks whether the server is there, and runs the session at all. */
  async #findOut(): Promise<void> {
    let link: Link;
    try {
      link = (await show(this.id)).running ? "refused" : "absent";
    } catch (thrown) {
      const { status } = Problem.from(thrown);
      link = status === 404 || status === 403 ? "absent" : "lost";
    }
    if (this.#closed || this.#greeted) return;
    if (link === "absent") clearTimeout(this.#retry);
    this.listener.link(link);
  }
}
