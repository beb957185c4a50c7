// How fast a browser gets to the end of a large colour log in a live terminal, and how long the page stands still meanwhile.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "vitest";
import { create, launch, line, shows, Visit } from "../browser/page";
import { Server } from "../browser/server";

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

test(`a log of ${MEGABYTES} MB`, async () => {
  const server = new Server();
  const browser = await launch();
  try {
    await server.start();
    const text = log(MEGABYTES * 1_000_000);
    writeFileSync(join(server.folder, "log"), text);
    const visit = await Visit.begin(browser, server);
    const page = await visit.page();
    await create(page, "flood");
    for (let round = 1; round <= ROUNDS; round += 1) {
      await line(page, "clear; echo ready");
      await shows(page, "flood", /^ready$/m);
      await page.evaluate(() => {
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
      const begun = performance.now();
      await line(page, `cat ${server.folder}/log; echo "the" "end" ${round}`);
      await shows(page, "flood", new RegExp(`^the end ${round}$`, "m"), 120_000);
      const seconds = (performance.now() - begun) / 1000;
      const longest = await page.evaluate(() => (window as unknown as { seen: { longest: number } }).seen.longest);
      console.log(`round ${round}: ${(text.length / 1e6 / seconds).toFixed(1)} MB/s to the last line, the page stood still for at most ${longest.toFixed(0)} ms`);
    }
    await visit.context.close();
  } finally {
    await browser.close();
    await server.close();
  }
});
