// What a browser alone can do: the same xterm.js, fed by a WebSocket that has all bytes at hand and does nothing else.
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { join } from "node:path";
import type { Page } from "playwright-core";

const XTERM = "node_modules/@xterm/xterm";
/** What RFC 6455 has every server add to the key of its client. */
const MAGIC = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
/** As much goes into one message as the holder of a session reads at once. */
const PART_BYTES = 32 << 10;
const PAGE = `<!doctype html><link rel="stylesheet" href="/xterm.css"><div id="host"></div>
<script type="module">
  import { Terminal } from "/xterm.mjs";
  const terminal = new Terminal({ scrollback: 10000 });
  terminal.open(document.getElementById("host"));
  window.feed = (rows, cols) => new Promise((resolve, reject) => {
    terminal.resize(cols, rows);
    terminal.reset();
    const socket = new WebSocket("ws://" + location.host + "/feed");
    socket.binaryType = "arraybuffer";
    socket.onmessage = (message) => terminal.write(new Uint8Array(message.data));
    socket.onerror = () => reject(new Error("the socket failed"));
    socket.onclose = () => terminal.write("", resolve);
  });
</script>`;

export class Bare {
  readonly #http: Server;

  private constructor(bytes: Buffer) {
    const files: Record<string, [string, Buffer]> = {
      "/": ["text/html", Buffer.from(PAGE)],
      "/xterm.mjs": ["text/javascript", readFileSync(join(XTERM, "lib/xterm.mjs"))],
      "/xterm.css": ["text/css", readFileSync(join(XTERM, "css/xterm.css"))],
    };
    this.#http = createServer((request, response) => {
      const [type, body] = files[request.url ?? ""] ?? ["text/plain", Buffer.from("")];
      response.writeHead(200, { "content-type": type }).end(body);
    });
    this.#http.on("upgrade", (request, socket: Socket) => {
      const accept = createHash("sha1").update(`${request.headers["sec-websocket-key"]}${MAGIC}`).digest("base64");
      socket.setNoDelay(true);
      socket.on("error", () => socket.destroy());
      socket.write(`HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: upgrade\r\nsec-websocket-accept: ${accept}\r\n\r\n`);
      void say(socket, bytes);
    });
  }

  static async serving(text: string): Promise<Bare> {
    // A terminal would have made these of the line ends.
    const bare = new Bare(Buffer.from(text.replaceAll("\n", "\r\n")));
    await new Promise<void>((resolve) => bare.#http.listen(0, "127.0.0.1", resolve));
    return bare;
  }

  get origin(): string {
    return `http://127.0.0.1:${(this.#http.address() as AddressInfo).port}`;
  }

  /** Feeds all of it to the terminal in a page of this server; done when the last byte is parsed. */
  feed(page: Page, rows: number, cols: number): Promise<void> {
    return page.evaluate(
      ([rows, cols]) => (window as unknown as { feed: (rows: number, cols: number) => Promise<void> }).feed(rows, cols),
      [rows, cols] as const,
    );
  }

  close(): void {
    this.#http.close();
    this.#http.closeAllConnections();
  }
}

/** Binary messages as fast as the browser takes them, and a close behind the last one. */
async function say(socket: Socket, bytes: Buffer): Promise<void> {
  for (let at = 0; at < bytes.length; at += PART_BYTES) {
    const part = bytes.subarray(at, at + PART_BYTES);
    const head = part.length < 126 ? Buffer.from([0x82, part.length]) : Buffer.from([0x82, 126, part.length >> 8, part.length & 0xff]);
    socket.write(head);
    if (!socket.write(part)) await new Promise((resolve) => socket.once("drain", resolve));
  }
  socket.end(Buffer.from([0x88, 2, 0x03, 0xe8]));
}
