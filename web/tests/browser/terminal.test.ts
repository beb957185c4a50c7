// A live terminal in the browser: typing, coming back, two at once, a server that dies, and floods.
import type { Browser } from "playwright-core";
import { expect, test } from "vitest";
import { controls, create, dialog, line, onStage, pane, row, screen, shot, shown, shows, Visit } from "./page";
import { Server } from "./server";

/** What the browser itself says when a server is away, or refuses a terminal. */
const AWAY = /ERR_CONNECTION_REFUSED|ERR_INCOMPLETE_CHUNKED_ENCODING|ERR_EMPTY_RESPONSE|ERR_CONNECTION_RESET|WebSocket connection to/;

let server: Server;
let browser: Browser;

onStage((stage) => ({ server, browser } = stage));

test("a session is made, typed in, and shows the same screen after a reload", async () => {
  const visit = await Visit.begin(browser, server);
  const page = await visit.page();
  await create(page, "typed");
  await line(page, "printf '\\033[31mred\\033[0m and %s\\n' plain; seq 200 | tail -n 3");
  await shows(page, "typed", /red and plain\n198\n199\n200/);
  const before = await shown(page, "typed");
  const red = await screen(page, "typed").locator("span", { hasText: /^red$/ }).getAttribute("class");
  expect(red).toContain("xterm-fg-1");
  expect(page.url()).toContain(server.session("typed").id);
  await page.reload();
  await controls(page, "typed");
  await expect.poll(() => shown(page, "typed")).toEqual(before);
  expect(await screen(page, "typed").locator("span", { hasText: /^red$/ }).getAttribute("class")).toBe(red);
  await pane(page, "typed").click();
  await line(page, "echo $((40 + 2))");
  await shows(page, "typed", /^42$/m);
  await shot(page, "typed");
  await visit.end();
});

test("what has scrolled off is there after a reload", async () => {
  const visit = await Visit.begin(browser, server);
  const page = await visit.page();
  await row(page, "typed").click();
  await controls(page, "typed");
  await line(page, "clear; seq 1 300");
  await shows(page, "typed", /^300$/m);
  await page.reload();
  await shows(page, "typed", /^300$/m);
  await pane(page, "typed").click();
  for (let at = 0; at < 12; at += 1) await page.keyboard.press("Shift+PageUp");
  await shows(page, "typed", /^1$/m);
  await visit.end();
});

test("one page controls, another takes over, and the first is told", async () => {
  const visit = await Visit.begin(browser, server);
  const first = await visit.page();
  await row(first, "typed").click();
  await controls(first, "typed");
  await line(first, "clear; echo first");
  await shows(first, "typed", /^first$/m);
  const second = await visit.page();
  await row(second, "typed").click();
  const bar = pane(second, "typed").locator(".live-bar");
  await bar.getByText("You look on.").waitFor();
  await shows(second, "typed", /^first$/m);

  // Who looks on cannot type.
  await pane(second, "typed").locator(".screen").click();
  await line(second, "echo observer typed");
  await line(first, "echo second");
  await shows(second, "typed", /^second$/m);
  expect((await shown(first, "typed")).join("\n")).not.toContain("observer");

  await bar.getByRole("button", { name: "Take control" }).click();
  await controls(second, "typed");
  await pane(first, "typed").locator(".live-bar").getByText("Somebody else took control.").waitFor();
  await line(second, "echo third");
  await shows(first, "typed", /^third$/m);
  await shot(first, "taken-over");
  await visit.end();
});

test("a server that is killed comes back, and the program never noticed", async () => {
  const visit = await Visit.begin(browser, server);
  const page = await visit.page();
  await create(page, "lasting");
  await line(page, "echo pid=$$; i=0; while [ $i -lt 100000 ]; do i=$((i+1)); sleep 0.1; echo tick $i; done &");
  await shows(page, "lasting", /pid=\d+/);
  const pid = /pid=(\d+)/.exec((await shown(page, "lasting")).join("\n"))?.[1];
  const before = server.session("lasting").ptyPid;
  expect(String(before)).toBe(pid);
  await server.end("SIGKILL");
  await pane(page, "lasting").getByText("The server is away").waitFor();
  await page.locator(".server-link.lost").waitFor();
  await shot(page, "server-away");
  await server.start();
  await controls(page, "lasting");
  await page.locator(".server-link", { hasText: "live" }).waitFor();
  await line(page, "kill %1; clear; echo again=$$");
  await shows(page, "lasting", `again=${pid}`);
  expect(server.session("lasting").ptyPid).toBe(before);
  await visit.end(AWAY);
});

test("several terminals stand beside each other, each as large as its place", async () => {
  const visit = await Visit.begin(browser, server);
  const page = await visit.page();
  await row(page, "typed").click();
  await controls(page, "typed");
  await line(page, "clear; stty size");
  await shows(page, "typed", /^\d+ \d+$/m);
  const size = async (): Promise<number> => Number(/^\d+ (\d+)$/m.exec((await shown(page, "typed")).join("\n"))?.[1]);
  const wide = await size();
  await row(page, "lasting").click();
  await controls(page, "lasting");
  await expect.poll(() => page.locator(".pane:visible").count()).toBe(2);
  await pane(page, "typed").locator(".screen").click();
  await expect
    .poll(async () => {
      await line(page, "clear; stty size");
      await shows(page, "typed", /^\d+ \d+$/m);
      return size();
    })
    .toBeLessThan(wide * 0.6);
  await shot(page, "side-by-side");
  await page.keyboard.press("Control+\\");
  await page.keyboard.press("g");
  await expect.poll(() => page.locator(".pane:visible").count()).toBe(1);
  await expect.poll(() => page.getByRole("tab").count()).toBe(2);
  await visit.end();
});

test("a long paste arrives whole, and as a paste where the program wants that", async () => {
  const visit = await Visit.begin(browser, server);
  await visit.context.grantPermissions(["clipboard-read", "clipboard-write"]);
  const page = await visit.page();
  await row(page, "typed").click();
  await controls(page, "typed");
  await line(page, "clear; stty -echo; cksum");
  await page.evaluate(() => navigator.clipboard.writeText(`${"0123456789abcdef".repeat(4)}\n`.repeat(4_000)));
  await page.keyboard.press("Control+Shift+V");
  await page.keyboard.press("Control+D");
  await shows(page, "typed", /^\d+ 260000$/m);
  await line(page, "stty echo");
  // The page knows that it is to mark a paste when it shows what came behind that.
  await line(page, "clear; printf '\\033[?2004h%s\\n' marked; head -c 18 | od -c");
  await shows(page, "typed", /^marked$/m);
  await page.evaluate(() => navigator.clipboard.writeText("paste"));
  await page.keyboard.press("Control+Shift+V");
  await page.keyboard.press("Enter");
  await line(page, "");
  await shows(page, "typed", /033\s+\[\s+2\s+0\s+0\s+~\s+p\s+a\s+s\s+t\s+e/);
  await line(page, "printf '\\033[?2004l'");
  await visit.end();
});

test("a flood ends with its last line, and the page stays quick", async () => {
  const visit = await Visit.begin(browser, server);
  const page = await visit.page();
  await row(page, "typed").click();
  await controls(page, "typed");
  await line(page, "clear; seq 1000000; echo 'the' 'end'");
  await shows(page, "typed", /1000000\nthe end/);
  await visit.end();
});

test("a program that ends says how, keeps its last screen, and can be started again", async () => {
  const visit = await Visit.begin(browser, server);
  const page = await visit.page();
  await create(page, "ending");
  await line(page, "clear; echo last words");
  await shows(page, "ending", /^last words$/m);
  await line(page, "exit 3");
  await pane(page, "ending").getByText("The program ended: exit code 3.").waitFor();
  await shows(page, "ending", /^last words$/m);
  await shot(page, "ended");
  await pane(page, "ending").getByRole("button", { name: "Start again" }).click();
  await controls(page, "ending");
  await line(page, "echo once more");
  await shows(page, "ending", /^once more$/m);
  // A press asks first, and a dialog that is closed did nothing.
  const { ptyPid } = server.session("ending");
  for (const button of ["Restart its program…", "Stop its program…"]) {
    await pane(page, "ending").getByRole("button", { name: button }).click();
    await dialog(page).getByText("Its program is ended").waitFor();
    await page.keyboard.press("Escape");
    await expect.poll(() => dialog(page).count()).toBe(0);
  }
  await pane(page, "ending").getByRole("button", { name: "Restart its program…" }).focus();
  expect(server.session("ending").ptyPid).toBe(ptyPid);
  await page.keyboard.press("Enter");
  await dialog(page).getByRole("button", { name: "Restart" }).click();
  await expect.poll(() => server.session("ending").ptyPid ?? ptyPid).not.toBe(ptyPid);
  await controls(page, "ending");
  await pane(page, "ending").getByRole("button", { name: "Stop its program…" }).click();
  await dialog(page).getByRole("button", { name: "Stop" }).click();
  await pane(page, "ending").getByText("The program ended").waitFor();
  await page.reload();
  await pane(page, "ending").getByText("Its program ended").waitFor();
  await visit.end();
});

test("a terminal that the server refuses is told from a server that is away, and comes when there is room", async () => {
  const small = new Server("[server]\nterminals = 1\n");
  try {
    for (const name of ["first", "second"]) {
      small.wharf("create", name);
      small.wharf("start", name);
    }
    await small.start();
    const visit = await Visit.begin(browser, small);
    const page = await visit.page();
    await row(page, "first").click();
    await controls(page, "first");
    await row(page, "second").click();
    await pane(page, "second").getByText("The server does not show this terminal now").waitFor();
    await pane(page, "first").getByRole("button", { name: "Close" }).click();
    await controls(page, "second");
    await line(page, "echo there is room");
    await shows(page, "second", /^there is room$/m);
    // A program that ends while nobody is connected leaves its session at rest.
    await small.end("SIGKILL");
    await pane(page, "second").getByText("The server is away").waitFor();
    small.wharf("stop", "second");
    await small.start();
    await pane(page, "second").getByText("Its program ended").waitFor();
    await visit.end(AWAY);
  } finally {
    await small.close();
  }
});

test("a terminal that has no room for one more says so, and comes when there is room", async () => {
  const narrow = new Server("[terminal]\nclients = 1\n");
  try {
    narrow.wharf("create", "narrow");
    narrow.wharf("start", "narrow");
    await narrow.start();
    const visit = await Visit.begin(browser, narrow);
    const [first, second] = [await visit.page(), await visit.page()];
    await row(first, "narrow").click();
    await controls(first, "narrow");
    await row(second, "narrow").click();
    await pane(second, "narrow").getByText("This terminal is not shown").waitFor();
    await shot(second, "no-room");
    await first.close();
    await controls(second, "narrow");
    await line(second, "echo there is room");
    await shows(second, "narrow", /^there is room$/m);
    await visit.end();
  } finally {
    await narrow.close();
  }
});
