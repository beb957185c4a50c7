// The plain page, which a binary has that was built without Node: lists sessions, shows screens as text, takes input.
import { readFileSync } from "node:fs";
import { extname, join } from "node:path";
import type { Browser, Page } from "playwright-core";
import { expect, onTestFinished, test } from "vitest";
import { onStage, shot } from "./page";
import type { Server } from "./server";

const FILES = "../src/server/plain";
const TYPES: Record<string, string> = { ".js": "text/javascript", ".css": "text/css" };

let server: Server;
let browser: Browser;

onStage((stage) => ({ server, browser } = stage));

/** The plain page in place of the other one, from the same server and under the same policy. */
async function plain(...how: string[]): Promise<{ page: Page; complaints: string[] }> {
  return prepared(() => Promise.resolve(), ...how);
}

/** The same, with something done before it is there. */
async function prepared(prepare: (page: Page) => Promise<unknown>, ...how: string[]): Promise<{ page: Page; complaints: string[] }> {
  const context = await browser.newContext();
  onTestFinished(() => context.close());
  const page = await context.newPage();
  await page.goto(server.open(...how));
  const policy = (await context.request.get(server.origin)).headers()["content-security-policy"] ?? "";
  expect(policy).toContain("default-src");
  const complaints: string[] = [];
  page.on("console", (it) => it.type() === "error" && complaints.push(`${it.text()} ${it.location().url}`));
  page.on("pageerror", (it) => complaints.push(it.message));
  await page.route(/:\d+\/assets\/plain\.\w+$/, async (route) => {
    const file = join(FILES, new URL(route.request().url()).pathname);
    const contentType = TYPES[extname(file)] ?? "text/plain";
    await route.fulfill({ body: readFileSync(file), contentType, headers: { "content-security-policy": policy } });
  });
  // A document that did not come from the server itself could open no WebSocket to it.
  await page.goto(`${server.origin}/healthz`);
  await prepare(page);
  await write(page);
  return { page, complaints };
}

const write = (page: Page): Promise<void> => page.setContent(readFileSync(join(FILES, "index.html"), "utf8"));

test("a session is made, shown as text, typed in, and stopped", async () => {
  const { page, complaints } = await plain();
  await page.getByLabel("Name of a new session").fill("plain");
  await page.getByRole("button", { name: "Create" }).click();
  await page.getByRole("heading", { name: "plain" }).waitFor();
  await page.getByLabel("Type into the session").fill("echo $((40 + 2))");
  await page.getByRole("button", { name: "Send" }).click();
  const screen = page.getByLabel("Screen");
  await expect.poll(() => screen.textContent()).toMatch(/^42$/m);
  await page.getByLabel("Type into the session").fill("cat");
  await page.getByRole("button", { name: "Send" }).click();
  await page.getByRole("button", { name: "^C" }).click();
  await page.getByLabel("Type into the session").fill("echo '<b>not bold</b>'");
  await page.getByRole("button", { name: "Send" }).click();
  await expect.poll(() => screen.textContent()).toMatch(/^<b>not bold<\/b>$/m);
  expect(await page.locator("b").count()).toBe(0);
  await page.reload();
  await write(page);
  await expect.poll(() => screen.textContent()).toMatch(/^42$/m);
  await shot(page, "plain");
  server.wharf("create", "made-elsewhere");
  await page.getByRole("button", { name: "made-elsewhere" }).waitFor();
  await page.getByRole("button", { name: "Stop" }).click();
  await page.getByRole("button", { name: "Start a shell" }).waitFor();
  // A look at the screen may be under way while the program ends.
  expect(complaints.filter((it) => !/40\d .*\/screen\?format=text$/.test(it))).toEqual([]);
});

test("a button keeps the focus while the screen is looked at again and again", async () => {
  const { page, complaints } = await plain();
  server.wharf("create", "rests");
  server.wharf("start", "rests");
  await page.getByRole("button", { name: /^rests/ }).click();
  const stop = page.getByRole("button", { name: "Stop", exact: true });
  await stop.focus();
  for (let looks = 0; looks < 3; looks++) await page.waitForResponse(/\/screen\?format=text$/);
  expect(await page.evaluate(() => document.activeElement?.textContent)).toBe("Stop");
  // A press that spans a look is one press.
  await stop.hover();
  await page.mouse.down();
  for (let looks = 0; looks < 2; looks++) await page.waitForResponse(/\/screen\?format=text$/);
  await page.mouse.up();
  await page.getByRole("button", { name: "Start a shell" }).waitFor();
  server.wharf("destroy", "rests");
  expect(complaints.filter((it) => !/40\d .*\/screen\?format=text$/.test(it))).toEqual([]);
});

test("one list is read at a time, and the last change is in what is shown", async () => {
  const { page } = await plain();
  const lists = /\/api\/v1\/sessions\?/;
  let under = 0;
  let most = 0;
  let asked = 0;
  await page.route(lists, async (route) => {
    most = Math.max(most, ++under);
    asked++;
    expect(route.request().url()).not.toContain("changes");
    await new Promise((resolve) => setTimeout(resolve, 500));
    under--;
    await route.continue();
  });
  server.wharf("create", "changes");
  for (const phase of ["a", "b", "c", "d"]) server.wharf("phase", "changes", phase);
  server.wharf("rename", "changes", "changed");
  await page.getByRole("button", { name: /^changed: / }).waitFor();
  expect(asked).toBeGreaterThan(1);
  expect(most).toBe(1);
  server.wharf("destroy", "changed");
});

test("a page that could not ask what it may do asks again, and a refusal stays to be read", async () => {
  let refused = 0;
  const { page } = await prepared((page) =>
    page.route(/\/api\/v1\/settings$/, (route) => {
      refused++;
      return refused === 1 ? route.fulfill({ status: 503, json: { code: "UNAVAILABLE" } }) : route.continue();
    }),
  );
  server.wharf("create", "there");
  server.wharf("start", "there");
  await page.getByRole("button", { name: /^there/ }).click();
  await page.getByLabel("Name of a new session").fill("there");
  await page.getByRole("button", { name: "Create" }).click();
  await page.getByText("NAME_TAKEN").waitFor();
  for (let looks = 0; looks < 3; looks++) await page.waitForResponse(/\/screen\?format=text$/);
  expect(await page.getByRole("alert").textContent()).toContain("NAME_TAKEN");
  expect(refused).toBeGreaterThan(1);
  server.wharf("destroy", "there", "--force");
});

test("what changes while a look fails is shown all the same", async () => {
  let heard = 0;
  const { page } = await prepared((page) => {
    page.on("websocket", (it) => it.on("framereceived", ({ payload }) => (heard += payload.includes('"changed"') ? 1 : 0)));
    // Without the look now and then, which would make up for it.
    return page.evaluate(() => {
      const every = window.setInterval.bind(window);
      window.setInterval = ((run: () => void, ms: number) => (ms === 10_000 ? 0 : every(run, ms))) as typeof window.setInterval;
    });
  });
  server.wharf("create", "before");
  server.wharf("start", "before");
  await page.getByRole("button", { name: /^before: / }).click();
  await expect.poll(() => page.getByLabel("Screen").textContent()).toContain("$");
  let fail = (): void => undefined;
  const held = new Promise<void>((resolve) => (fail = resolve));
  await page.route(/\/screen\?format=text$/, (route) => held.then(() => route.abort()));
  // A reading is held at the screen, and hears of one more change there.
  server.wharf("status", "before", "waiting");
  await page.getByRole("button", { name: /^before: waiting/ }).waitFor();
  const before = heard;
  server.wharf("rename", "before", "after");
  await expect.poll(() => heard).toBeGreaterThan(before);
  fail();
  await page.getByRole("button", { name: /^after: / }).waitFor();
  server.wharf("destroy", "after", "--force");
});

test("who may only look sees the screen and can change nothing", async () => {
  const { page, complaints } = await plain("--read-only");
  server.wharf("create", "shown");
  server.wharf("start", "shown");
  await page.getByRole("button", { name: /^shown/ }).click();
  server.wharf("send", "shown", "--enter", "echo seen-$((40 + 2))");
  await expect.poll(() => page.getByLabel("Screen").textContent()).toMatch(/^seen-42$/m);
  for (const name of ["Create", "Send", "Stop", "^C"]) {
    expect(await page.getByRole("button", { name, exact: true }).filter({ visible: true }).count()).toBe(0);
  }
  server.wharf("stop", "shown");
  await page.getByText("stopped").first().waitFor();
  expect(await page.getByRole("button", { name: "Start a shell" }).count()).toBe(0);
  expect(complaints.filter((it) => !/40\d .*\/screen\?format=text$/.test(it))).toEqual([]);
});
