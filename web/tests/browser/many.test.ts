// Many pages of one browser at once: one session per tab is a way to work.
import type { Browser } from "playwright-core";
import { expect, test } from "vitest";
import { onStage, row, Visit } from "./page";
import type { Server } from "./server";

let server: Server;
let browser: Browser;

onStage((stage) => ({ server, browser } = stage));

test("eight pages of one browser are all live, and all of them can change something", async () => {
  const visit = await Visit.begin(browser, server);
  const pages = [];
  for (let at = 0; at < 8; at += 1) pages.push(await visit.page());
  server.wharf("create", "made-elsewhere");
  for (const page of pages) await row(page, "made-elsewhere").waitFor();
  await pages[7]?.keyboard.press("n");
  await pages[7]?.getByLabel("Name").fill("made-here");
  await pages[7]?.getByRole("button", { name: "Create" }).click();
  for (const page of pages) await row(page, "made-here").waitFor();
  expect(server.sessions().map((it) => it.name)).toEqual(["made-elsewhere", "made-here"]);
  await visit.end();
});
