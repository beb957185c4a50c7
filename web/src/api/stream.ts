// Keeps the events coming: over a WebSocket, because a browser has only six other connections to one server for all its pages
// together. Comes back behind the last event after every interruption.
import { Backoff } from "./backoff";
import { eventsUrl, settings } from "./client";
import { eventOf, type ServerEvent } from "./event-message";
import { Problem } from "./problem";

/** A stream that says nothing for this long, not even that the server is alive, is taken for dead. */
const SILENCE_MS_MAX = 45_000;
/** How a server ends the stream of a browser that was logged out. */
const LOGGED_OUT = 1008;

export interface StreamListener {
  /** Something happened. */
  event(event: ServerEvent): void;
  /** The stream is open, or was lost and is being opened again. */
  connected(is: boolean): void;
  /** The server refuses: the page is no longer let in. */
  refused(problem: Problem): void;
}

export class Stream {
  #socket: WebSocket | null = null;
  #closed = false;
  #backoff = new Backoff();
  #lastId: number | null = null;
  #retry: ReturnType<typeof setTimeout> | undefined;
  #quiet: ReturnType<typeof setTimeout> | undefined;

  constructor(private readonly listener: StreamListener) {
    addEventListener("online", () => this.hurry());
    document.addEventListener("visibilitychange", () => document.hidden || this.hurry());
    this.#connect();
  }

  /** Tries now instead of waiting for the next attempt. */
  hurry(): void {
    if (this.#retry !== undefined) this.#connect();
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#retry);
    clearTimeout(this.#quiet);
    this.#socket?.close();
    this.#socket = null;
  }

  #connect(): void {
    clearTimeout(this.#retry);
    this.#retry = undefined;
    const socket = new WebSocket(eventsUrl(this.#lastId));
    let wasThere = false;
    socket.onopen = () => {
      wasThere = true;
      this.#backoff.reset();
      this.#lives(socket);
      this.listener.connected(true);
    };
    socket.onmessage = (message) => {
      if (this.#socket !== socket) return;
      this.#lives(socket);
      const event = eventOf(message.data);
      if (event === null || event.type === "alive") return;
      if (event.id !== null) this.#lastId = event.id;
      this.listener.event(event);
    };
    socket.onclose = ({ code }) => this.#gone(socket, !wasThere || code === LOGGED_OUT);
    this.#socket = socket;
  }

  #lives(socket: WebSocket): void {
    clearTimeout(this.#quiet);
    this.#quiet = setTimeout(() => {
      this.#gone(socket, false);
      socket.close();
    }, SILENCE_MS_MAX);
  }

  #gone(socket: WebSocket, isRefusal: boolean): void {
    if (this.#socket !== socket) return;
    this.#socket = null;
    clearTimeout(this.#quiet);
    this.listener.connected(false);
    this.#retry = setTimeout(() => this.#connect(), this.#backoff.next());
    if (isRefusal) void this.#findOut();
  }

  /** A browser does not say why a WebSocket was refused: asks for something else, which is refused for the same reason. */
  async #findOut(): Promise<void> {
    try {
      await settings();
    } catch (thrown) {
      const problem = Problem.from(thrown);
      if (this.#closed || (problem.status !== 401 && problem.status !== 403)) return;
      this.close();
      this.listener.refused(problem);
    }
  }
}
