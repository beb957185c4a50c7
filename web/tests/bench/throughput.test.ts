// How fast a browser gets to the end of a large colour log in a live terminal, and how long the page stands still meanwhile;
// beside a bare WebSocket that feeds the same xterm.js. Prints a table.
//
// LOG_MB   how large the log is (40)
// ROUNDS   how often both are measured, in turns (3)
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Page } from "playwright-core";
import { test } from "vitest";
import { create, launch, line, shown, shows, Visit } from "../browser/page";
import { Server } from "../browser/server";
import { Bare } from "./bare";

const MEGABYTES = Number(process.env["LOG_MB"] ?? 40);
const ROUNDS = Number(process.env["ROUNDS"] ?? 3);

/** Lines like those of a build, in colours. */
function log(bytes: number): string {
  const lines: string[] = [];
  for (let size = 0, at = 0; size < bytes; at += 1) {
    const text = `\x1b[2m${String(at).padStart(8, "0")}\x1b[0m \x1b[3${1 + (at % 6)}mmodule-${at % 97}\x1b[0m compiled \x1b[1msrc/part-${at % 13}/file-${at}.ts\x1b[0m`;
    lines.push(text);
    size += text.length + 1;
  }
  return lines.join("\n") + "\n";
}

/** Begins to note for how long at most a page does nothing else. */
function watch(page: Page): Promise<void> {
  return page.evaluate(() => {
    const seen = { longest: 0 };
    Object.assign(window, { seen });
    let last = performance.now();
    const tick = (): void => {
      const now = performance.now();
      seen.longest = Math.max(seen.longest, now - last);
      last = now;
      setTimeout(tick, 0);
    };
    tick();
  });
}

const longest = (page: Page): Promise<number> => page.evaluate(() => (window as unknown as { seen: { longest: number } }).seen.longest);

test(`a log of ${MEGABYTES} MB`, async () => {
  const server = new Server();
  const browser = await launch();
  const text = log(MEGABYTES * 1_000_000);
  const bare = await Bare.serving(text);
  try {
    await server.start();
    writeFileSync(join(server.folder, "log"), text);
    const visit = await Visit.begin(browser, server);
    const page = await visit.page();
    await create(page, "flood");
    await line(page, "clear; stty size");
    await shows(page, "flood", /^\d+ \d+$/m);
    const size = /^(\d+) (\d+)$/m.exec((await shown(page, "flood")).join("\n"));
    const [rows, cols] = [Number(size?.[1]), Number(size?.[2])];
    const other = await (await browser.newContext({ viewport: { width: 1280, height: 800 } })).newPage();
    await other.goto(bare.origin);
    await other.waitForFunction("window.feed");
    const table: string[] = [];
    const note = (who: string, round: number, seconds: number, stood: number): void => {
      table.push(`| ${who} | ${round} | ${(text.length / 1e6 / seconds).toFixed(1)} | ${stood.toFixed(0)} |`);
    };
    for (let round = 1; round <= ROUNDS; round += 1) {
      await line(page, "clear; echo ready");
      await shows(page, "flood", /^ready$/m);
      await page.bringToFront();
      await watch(page);
      let begun = performance.now();
      await line(page, `cat ${server.folder}/log; echo "the" "end" ${round}`);
      await shows(page, "flood", new RegExp(`^the end ${round}$`, "m"), 120_000);
      note("`wharf serve`, its page", round, (performance.now() - begun) / 1000, await longest(page));
      await other.bringToFront();
      await watch(other);
      begun = performance.now();
      await bare.feed(other, rows, cols);
      note("a bare WebSocket, the same xterm.js", round, (performance.now() - begun) / 1000, await longest(other));
    }
    console.log(
      [
        `A log of ${MEGABYTES} MB in colours, a terminal of ${rows} rows and ${cols} columns. The page lets output go that it cannot draw in`,
        "time and asks for the screen instead; the bare one draws all of it, and has neither a program nor a terminal behind it.",
        "",
        "| fed by | round | MB/s to the last line | page stood still, ms at most |",
        "|---|--:|--:|--:|",
        ...table,
      ].join("\n"),
    );
    await visit.context.close();
  } finally {
    bare.close();
    await browser.close();
    await server.close();
  }
});
