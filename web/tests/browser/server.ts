// A real `wharf serve` on a fresh repository in a folder of its own, and everything that it started ended afterwards.
import { execFileSync, spawn, type ChildProcess } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

const BINARY = resolve(process.env["WHARF_BINARY"] ?? "../target/debug/wharf");
const START_MS_MAX = 30_000;

export interface Told {
  id: string;
  name: string;
  status: string;
  branch: string;
  worktreePath: string;
  ptyPid?: number;
}

export class Server {
  readonly folder = mkdtempSync(join(tmpdir(), "wharf-page-"));
  readonly workspace = join(this.folder, "work");
  readonly #environment: NodeJS.ProcessEnv;
  #process: ChildProcess | null = null;
  #said = "";
  port = 0;

  constructor(settings = "") {
    for (const name of ["work", "home", "run"]) mkdirSync(join(this.folder, name), { mode: 0o700 });
    const config = join(this.folder, "home", ".config", "wharf");
    mkdirSync(config, { recursive: true, mode: 0o700 });
    writeFileSync(join(config, "config.toml"), settings);
    this.#environment = {
      PATH: process.env["PATH"],
      LANG: "C.UTF-8",
      HOME: join(this.folder, "home"),
      XDG_RUNTIME_DIR: join(this.folder, "run"),
      XDG_CONFIG_HOME: join(this.folder, "home", ".config"),
      GIT_CONFIG_NOSYSTEM: "1",
      WHARF_POOL_SIZE: "0",
      SHELL: "/bin/sh",
      PS1: "$ ",
    };
    this.git("init", "--quiet", "--initial-branch=main");
    this.git("config", "user.name", "a");
    this.git("config", "user.email", "a@localhost");
    this.git("commit", "--quiet", "--allow-empty", "--message=first");
  }

  git(...words: string[]): string {
    return execFileSync("git", words, { cwd: this.workspace, env: this.#environment, encoding: "utf8" });
  }

  wharf(...words: string[]): string {
    return execFileSync(BINARY, words, { cwd: this.workspace, env: this.#environment, encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
  }

  sessions(): Told[] {
    return JSON.parse(this.wharf("list", "--json", "--quick")) as Told[];
  }

  session(name: string): Told {
    return JSON.parse(this.wharf("show", name, "--json")) as Told;
  }

  async start(): Promise<void> {
    this.port ||= await freePort();
    this.#said = "";
    const child = spawn(BINARY, ["serve", "--listen", `127.0.0.1:${this.port}`], {
      cwd: this.workspace,
      env: this.#environment,
      stdio: ["ignore", "pipe", "pipe"],
    });
    child.stdout.on("data", (bytes: Buffer) => (this.#said += bytes.toString()));
    child.stderr.on("data", (bytes: Buffer) => (this.#said += bytes.toString()));
    this.#process = child;
    const until = Date.now() + START_MS_MAX;
    for (;;) {
      if (child.exitCode !== null) throw new Error(`the server ended:\n${this.#said}`);
      const answer = await fetch(`${this.origin}/readyz`).catch(() => null);
      if (answer?.ok) return;
      if (Date.now() > until) throw new Error(`the server does not get ready:\n${this.#said}`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  get origin(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** The address that lets one browser in, in this way. */
  open(...how: string[]): string {
    const found = /https?:\/\/\S+/.exec(this.wharf("open", ...how));
    if (!found) throw new Error("`wharf open` printed no address");
    return found[0];
  }

  async end(signal: NodeJS.Signals): Promise<void> {
    const child = this.#process;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const gone = new Promise((resolve) => child.once("exit", resolve));
    child.kill(signal);
    await gone;
  }

  /** Ends the server and all programs, and removes the folder. */
  async close(): Promise<void> {
    await this.end("SIGTERM");
    for (const it of this.sessions()) if (it.ptyPid) this.wharf("kill", it.name);
    // What goes on behind the answers may still write.
    rmSync(this.folder, { recursive: true, force: true, maxRetries: 40, retryDelay: 100 });
  }
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once("error", reject);
    probe.listen(0, "127.0.0.1", () => {
      const address = probe.address();
      probe.close(() => (typeof address === "object" && address ? resolve(address.port) : reject(new Error("no port"))));
    });
  });
}
