// The page of a server in a container, through a published port; `scripts/container-test.sh` says where and what it is about.
import { execFileSync } from "node:child_process";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { controls, create, launch, line, pane, row, shows } from "../browser/page";

/** A link that lets one browser in. */
const link = process.env["WHARF_PAGE_LINK"] ?? "";
/** `first`, or `again` after the container was killed and started. */
const round = process.env["WHARF_PAGE_ROUND"] ?? "first";

let browser: Browser;
let page: Page;
const elsewhere: string[] = [];

beforeAll(async () => {
  if (link === "") throw new Error("WHARF_PAGE_LINK names no page");
  browser = await launch();
  page = await browser.newPage();
  page.on("request", (it) => {
    if (new URL(it.url()).host !== new URL(link).host) elsewhere.push(it.url());
  });
  await page.goto(link);
  await page.locator(".side .server-link", { hasText: "live" }).waitFor();
});
afterAll(async () => {
  await browser?.close();
});

test.runIf(round === "first")("a session is made, typed in, and shows the same after a reload", async () => {
  await create(page, "page");
  await line(page, "echo $((40 + 2)) > made-in-the-browser; cat made-in-the-browser");
  await shows(page, "page", /^42$/m);
  await page.reload();
  await shows(page, "page", /^42$/m);
  expect(elsewhere).toEqual([]);
});

test.runIf(round === "first")("a server that is killed comes back, and the program has not noticed", async () => {
  await controls(page, "page");
  await line(page, "word=kept");
  execFileSync("sh", ["-c", process.env["WHARF_PAGE_KILL"] ?? "false"]);
  await page.locator(".server-link.lost").waitFor();
  await page.locator(".side .server-link", { hasText: "live" }).waitFor();
  await controls(page, "page");
  await line(page, "echo $word-$((40 + 3))");
  await shows(page, "page", /^kept-43$/m);
  expect(elsewhere).toEqual([]);
});

test.runIf(round === "again")("after the container was killed the session is back and starts again", async () => {
  await row(page, "page").getByText("idle").waitFor();
  await row(page, "page").click();
  await pane(page, "page").getByText("the container was restarted").waitFor();
  await pane(page, "page").getByRole("button", { name: "Start again" }).click();
  await pane(page, "page").getByRole("button", { name: "Only look on" }).waitFor();
  await line(page, "cat made-in-the-browser");
  await shows(page, "page", /^42$/m);
  expect(elsewhere).toEqual([]);
});
