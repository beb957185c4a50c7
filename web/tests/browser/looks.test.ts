// How the page is used without a mouse, on a phone, in the dark, and from another window.
import type { Browser, Page } from "playwright-core";
import { expect, test } from "vitest";
import { controls, dialog, line, onStage, pane, row, shot, shows, Visit } from "./page";
import type { Server } from "./server";

let server: Server;
let browser: Browser;

onStage(
  (stage) => ({ server, browser } = stage),
  (server) => {
    server.wharf("create", "one");
    server.wharf("create", "two", "--branch", "topic/two");
    server.wharf("create", "three");
    server.wharf("start", "one");
    server.wharf("start", "two");
  },
);

const focused = (page: Page): Promise<string> =>
  page.evaluate(() => {
    const it = document.activeElement;
    return it?.getAttribute("aria-label") ?? it?.querySelector(".row-name")?.textContent ?? it?.textContent ?? "";
  });

test("everything is done with the keyboard alone", async () => {
  const visit = await Visit.begin(browser, server);
  const page = await visit.page();
  await page.keyboard.press("?");
  await dialog(page).getByText("new session").waitFor();
  await shot(page, "keys");
  await page.keyboard.press("Escape");
  await page.keyboard.press("j");
  expect(await focused(page)).toBe("one");
  await page.keyboard.press("j");
  expect(await focused(page)).toBe("two");
  const outline = await page.evaluate(() => getComputedStyle(document.activeElement as Element).outlineStyle);
  expect(outline).toBe("solid");
  await page.keyboard.press("k");
  await page.keyboard.press("Enter");
  await controls(page, "one");
  await line(page, "echo by keyboard");
  await shows(page, "one", /^by keyboard$/m);
  // Out of the terminal, and back into it.
  await page.keyboard.press("Control+\\");
  expect(await focused(page)).toBe("one");
  await page.keyboard.press("Enter");
  await line(page, "echo and back");
  await shows(page, "one", /^and back$/m);
  // The key that leaves can still be sent.
  await line(page, "trap 'echo got quit' QUIT; echo armed");
  await shows(page, "one", /^armed$/m);
  await page.keyboard.press("Control+Shift+\\");
  await page.keyboard.press("Enter");
  await shows(page, "one", /^got quit$/m);
  await page.keyboard.press("Control+\\");
  await page.keyboard.press("/");
  await page.keyboard.type("topic");
  await expect.poll(() => page.locator(".row").count()).toBe(1);
  await page.keyboard.press("Enter");
  await page.keyboard.press("Enter");
  await controls(page, "two");
  await page.keyboard.press("Control+\\");
  await page.keyboard.press("1");
  await line(page, "echo first pane");
  await shows(page, "one", /^first pane$/m);
  await page.keyboard.press("Control+\\");
  await page.keyboard.press("x");
  await expect.poll(() => page.locator(".pane").count()).toBe(1);
  // With Tab every control is reached; Escape goes from a pane to the list.
  await page.keyboard.press("Escape");
  expect(await focused(page)).toBe("two");
  await page.keyboard.press("/");
  const seen = new Set<string>();
  for (let at = 0; at < 40; at += 1) {
    await page.keyboard.press("Tab");
    seen.add(await focused(page));
    if (await page.evaluate(() => document.activeElement?.closest(".xterm") !== null)) await page.keyboard.press("Control+\\");
  }
  for (const name of ["two", "Destroyed sessions (u)", "Keys (?)", "Destroy…", "Stop its program…"]) {
    expect([...seen]).toContain(name);
  }
  // A session is made and destroyed without touching anything else.
  await page.keyboard.press("Control+\\");
  await page.keyboard.press("n");
  await page.keyboard.type("four");
  await page.keyboard.press("Enter");
  await controls(page, "four");
  await page.keyboard.press("Control+\\");
  await page.keyboard.press("s");
  await dialog(page).getByText("Its program is ended").waitFor();
  await page.keyboard.press("Tab");
  await page.keyboard.press("Enter");
  await pane(page, "four").getByText("The program ended").waitFor();
  await page.keyboard.press("Control+\\");
  await pane(page, "four").focus();
  await page.keyboard.press("d");
  await dialog(page).getByText("Nothing would be lost").waitFor();
  await page.keyboard.press("Tab");
  await page.keyboard.press("Enter");
  await page.locator(".toast", { hasText: "four was destroyed." }).waitFor();
  await visit.end();
});

test("a phone gets one column, and the keys that it lacks", async () => {
  const phone = { viewport: { width: 390, height: 760 }, hasTouch: true, isMobile: true, deviceScaleFactor: 2 };
  const visit = await Visit.begin(browser, server, phone);
  const page = await visit.page();
  await shot(page, "phone-list");
  await page.emulateMedia({ colorScheme: "dark" });
  const ground = (): Promise<number> =>
    page.evaluate(() => Number(/\d+/.exec(getComputedStyle(document.body).backgroundColor)?.[0]));
  // The page hears of it a moment later.
  await expect.poll(ground).toBeLessThan(128);
  await shot(page, "phone-list-dark");
  await row(page, "one").tap();
  await controls(page, "one");
  expect(await page.locator(".side").isVisible()).toBe(false);
  const width = await page.evaluate(() => document.documentElement.scrollWidth);
  expect(width).toBeLessThanOrEqual(390);
  await line(page, "clear; cat -v");
  await pane(page, "one").getByRole("button", { name: "Escape" }).tap();
  await pane(page, "one").getByRole("button", { name: "Up" }).tap();
  await pane(page, "one").getByRole("button", { name: "Control, for the next key" }).tap();
  await page.keyboard.type("t");
  await page.keyboard.press("Enter");
  await shows(page, "one", "^[^[[A^T");
  await shot(page, "phone-terminal");
  await pane(page, "one").getByRole("button", { name: "Control C" }).tap();
  await pane(page, "one").getByRole("button", { name: "Back to the list" }).tap();
  await row(page, "two").waitFor();
  await page.keyboard.press("n");
  await shot(page, "phone-new");
  await visit.end();
});

test.each(["light", "dark"] as const)("it is %s where the system is, and can be switched", async (scheme) => {
  const visit = await Visit.begin(browser, server, { colorScheme: scheme });
  const page = await visit.page();
  await row(page, "one").click();
  await controls(page, "one");
  await row(page, "two").click();
  await row(page, "three").click();
  await pane(page, "three").getByText("Nothing runs in it yet.").waitFor();
  const ground = (): Promise<number> =>
    page.evaluate(() => Number(/\d+/.exec(getComputedStyle(document.body).backgroundColor)?.[0]));
  const isDark = async (): Promise<boolean> => (await ground()) < 128;
  expect(await isDark()).toBe(scheme === "dark");
  await shot(page, scheme);
  // Auto, light, dark.
  await page.keyboard.press("Control+\\");
  const button = page.getByRole("button", { name: /^Colours: / });
  await button.click();
  expect(await isDark()).toBe(false);
  await button.click();
  expect(await isDark()).toBe(true);
  await page.reload();
  await controls(page, "one");
  expect(await isDark()).toBe(true);
  await visit.end();
});

test("a session that begins to wait is marked in the title, and said to who allowed that", async () => {
  const visit = await Visit.begin(browser, server);
  await visit.context.grantPermissions(["notifications"], { origin: server.origin });
  await visit.context.addInitScript(() => {
    // What the system would show is written down instead.
    const said: string[] = [];
    class Written extends EventTarget {
      static permission = "granted";
      static requestPermission = (): Promise<string> => Promise.resolve("granted");
      onclick: (() => void) | null = null;
      constructor(title: string, options: { body: string }) {
        super();
        said.push(`${title}: ${options.body}`);
      }
      close(): void {}
    }
    Object.assign(window, { Notification: Written, said });
  });
  // A shell that says nothing waits as well.
  for (const name of ["one", "two"]) server.wharf("stop", name);
  const page = await visit.page();
  const said = (): Promise<string[]> => page.evaluate(() => (window as unknown as { said: string[] }).said);
  server.wharf("status", "three", "waiting");
  await expect.poll(() => page.title()).toMatch(/^● three waits/);
  expect(await said()).toEqual([]);
  // A reload looks at nothing.
  await page.reload();
  await expect.poll(() => page.title()).toMatch(/^● three waits/);
  server.wharf("status", "three", "idle");
  await expect.poll(() => page.title()).toMatch(/^wharf/);
  await page.getByRole("button", { name: "Notify when a session waits" }).click();
  await page.getByRole("button", { name: "Notifications are on" }).waitFor();
  server.wharf("status", "three", "waiting");
  await expect.poll(said).toEqual(["three waits: feature/three"]);
  await row(page, "three").getByText("waiting").waitFor();
  await shot(page, "waiting");
  server.wharf("status", "three", "idle");
  await expect.poll(() => page.title()).toMatch(/^wharf/);
  // Where pages have no notifications of their own, the title says it all the same.
  await page.evaluate(() => {
    class Refuses {
      static permission = "granted";
      constructor() {
        throw new TypeError("Illegal constructor");
      }
    }
    Object.assign(window, { Notification: Refuses });
  });
  server.wharf("status", "three", "waiting");
  await expect.poll(() => page.title()).toMatch(/^● three waits/);
  expect(await page.locator(".toast").count()).toBe(0);
  server.wharf("status", "three", "idle");
  for (const name of ["one", "two"]) server.wharf("start", name);
  await visit.end();
});

test("a page may what the link said that its browser opened last", async () => {
  const visit = await Visit.begin(browser, server);
  const page = await visit.page();
  for (const name of ["three", "one"]) await row(page, name).click();
  await controls(page, "one");
  await pane(page, "three").getByRole("button", { name: "Start" }).first().waitFor();
  await visit.page("", server.open("--read-only"));
  await page.getByText("read-only").waitFor();
  await pane(page, "one").getByText("You look on.").waitFor();
  for (const name of ["New", "Take control", "Destroy…", "Start"]) {
    await expect.poll(() => page.getByRole("button", { name }).filter({ visible: true }).count()).toBe(0);
  }
  await visit.page("", server.open());
  await pane(page, "one").getByRole("button", { name: "Take control" }).first().waitFor();
  await pane(page, "three").getByRole("button", { name: "Start" }).first().waitFor();
  await visit.end(/WebSocket|401/);
});

test("who may only look gets no button that changes anything", async () => {
  const visit = await Visit.begin(browser, server, {}, ["--read-only"]);
  const page = await visit.page();
  await page.getByText("read-only").waitFor();
  await row(page, "one").click();
  await pane(page, "one").getByText("You look on.").waitFor();
  // What somebody else types is seen.
  server.wharf("send", "one", "--enter", "echo seen-$((40 + 2))");
  await shows(page, "one", /^seen-42$/m);
  for (const name of ["New", "Take control", "Destroy…", "Stop its program…", "Destroyed sessions", "Log all browsers out"]) {
    expect(await page.getByRole("button", { name }).filter({ visible: true }).count()).toBe(0);
  }
  await page.keyboard.press("n");
  expect(await dialog(page).count()).toBe(0);
  await shot(page, "read-only");
  // The server does not rely on the page.
  const refused = await page.evaluate(async () => {
    const how = { method: "PATCH", headers: { "Content-Type": "application/json" }, body: '{"phase":"changed"}' };
    return (await fetch("/api/v1/sessions/one", how)).status;
  });
  expect(refused).toBe(403);
  await row(page, "three").click();
  await pane(page, "three").getByText("Nothing runs in it yet.").waitFor();
  expect(await pane(page, "three").locator(".rest-buttons button").count()).toBe(0);
  await visit.end(/403/);
});
