// A page in a real Chromium: how a person reaches its parts, and what it must never do while it is looked at.
import { existsSync, mkdirSync } from "node:fs";
import { chromium, type Browser, type BrowserContext, type BrowserContextOptions, type Locator, type Page } from "playwright-core";
import { afterAll, beforeAll, expect, onTestFinished } from "vitest";
import { Server } from "./server";

const EXECUTABLE = process.env["CHROMIUM"] ?? "/usr/bin/chromium";
const QUIET = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];
const SHOTS = process.env["WHARF_SHOTS"] ?? "shots";

export function launch(): Promise<Browser> {
  if (!existsSync(EXECUTABLE)) throw new Error(`no browser at ${EXECUTABLE}`);
  return chromium.launch({ executablePath: EXECUTABLE, args: QUIET });
}

/** What all tests of a file share. */
export interface Stage {
  server: Server;
  browser: Browser;
}

/** Has a server and a browser there before the tests of a file, and ends both after them. */
export function onStage(ready: (stage: Stage) => void, prepare: (server: Server) => void = () => undefined, settings = ""): void {
  let server: Server | undefined;
  let browser: Browser | undefined;
  beforeAll(async () => {
    server = new Server(settings);
    prepare(server);
    await server.start();
    browser = await launch();
    ready({ server, browser });
  });
  afterAll(async () => {
    await browser?.close();
    await server?.close();
  });
}

/** One browser profile that was let in, and everything it asked for and complained about. */
export class Visit {
  readonly requests: string[] = [];
  readonly complaints: string[] = [];

  private constructor(
    readonly context: BrowserContext,
    private readonly server: Server,
  ) {}

  static async begin(browser: Browser, server: Server, options: BrowserContextOptions = {}, how: string[] = []): Promise<Visit> {
    const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, ...options });
    // Also after a failure nobody stays who controls a terminal.
    onTestFinished(() => context.close());
    const visit = new Visit(context, server);
    context.on("request", (it) => visit.requests.push(it.url()));
    // Every violation of the policy is an event in the page.
    await context.addInitScript(() => {
      document.addEventListener("securitypolicyviolation", (it) => console.error(`policy: ${it.violatedDirective} ${it.blockedURI}`));
    });
    const first = await visit.page("", server.open(...how));
    await first.close();
    return visit;
  }

  /** Opens the page, at a hash. */
  async page(hash = "", url = this.server.origin + "/" + hash): Promise<Page> {
    const page = await this.context.newPage();
    page.on("websocket", (it) => this.requests.push(it.url()));
    page.on("pageerror", (it) => this.complaints.push(`error: ${it.message}`));
    page.on("console", (it) => {
      if (it.type() === "error" || it.type() === "warning") this.complaints.push(`${it.type()}: ${it.text()} ${it.location().url}`);
    });
    await page.goto(url);
    await page.locator(".side .server-link", { hasText: "live" }).waitFor();
    return page;
  }

  /** Nothing was asked of anybody else, and nothing was complained about but what the test expects. */
  async end(...expected: RegExp[]): Promise<void> {
    const elsewhere = this.requests.filter((it) => {
      const url = new URL(it);
      return !["data:", "blob:"].includes(url.protocol) && url.host !== new URL(this.server.origin).host;
    });
    expect(elsewhere).toEqual([]);
    expect(this.complaints.filter((it) => !expected.some((one) => one.test(it)))).toEqual([]);
    await this.context.close();
  }
}

export const row = (page: Page, name: string): Locator =>
  page.locator(".row").filter({ has: page.locator(".row-name", { hasText: new RegExp(`^${escaped(name)}$`) }) });
export const pane = (page: Page, name: string): Locator => page.locator(`.pane[aria-label=${JSON.stringify(name)}]`);
export const screen = (page: Page, name: string): Locator => pane(page, name).locator(".xterm-rows");
export const dialog = (page: Page): Locator => page.locator("dialog[open]");

function escaped(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
}

/** What a terminal shows, row by row, without the blanks at the ends. */
export async function shown(page: Page, name: string): Promise<string[]> {
  const rows = await screen(page, name).locator("> div").allInnerTexts();
  return rows.map((it) => it.replace(/\u00a0/g, " ").trimEnd());
}

/** Waits until a terminal shows this. */
export async function shows(page: Page, name: string, text: string | RegExp, timeout = 20_000): Promise<void> {
  await expect.poll(async () => (await shown(page, name)).join("\n"), { timeout }).toMatch(text);
}

/** Types a line where the focus is. */
export async function line(page: Page, text: string): Promise<void> {
  await page.keyboard.type(text);
  await page.keyboard.press("Enter");
}

/** Makes a session by the dialog, with a shell in it. */
export async function create(page: Page, name: string): Promise<void> {
  await page.getByRole("button", { name: "New", exact: true }).click();
  await dialog(page).getByLabel("Name").fill(name);
  await dialog(page).getByRole("button", { name: "Create" }).click();
  await screen(page, name).waitFor();
  await controls(page, name);
}

/** Waits until this page controls the terminal. */
export async function controls(page: Page, name: string): Promise<void> {
  await pane(page, name).getByRole("button", { name: "Only look on" }).waitFor();
}

export async function shot(page: Page, name: string): Promise<void> {
  mkdirSync(SHOTS, { recursive: true });
  await page.screenshot({ path: `${SHOTS}/${name}.png` });
}
