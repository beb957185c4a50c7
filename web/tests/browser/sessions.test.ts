// The list of sessions and what is done with them: live changes, refusals, destroy and undo, names that mean harm.
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Browser } from "playwright-core";
import { expect, test } from "vitest";
import { controls, create, dialog, line, onStage, pane, row, shot, shows, Visit } from "./page";
import { Server } from "./server";

const REFUSED = /the server responded with a status of 4\d\d/;

let server: Server;
let browser: Browser;

onStage(
  (stage) => ({ server, browser } = stage),
  () => undefined,
  '[agents.mine]\nstart = ["cat"]\nresume = ["cat", "{id}"]\n',
);

test("a browser that was not let in is told how", async () => {
  const context = await browser.newContext();
  const page = await context.newPage();
  await page.goto(server.origin);
  await page.getByText("This browser is not let in yet.").waitFor();
  await page.getByText("wharf open").waitFor();
  const used = server.open();
  const first = await context.newPage();
  await first.goto(used);
  await first.locator(".side .server-link", { hasText: "live" }).waitFor();
  expect(first.url()).toBe(`${server.origin}/`);
  const second = await browser.newContext();
  const late = await second.newPage();
  expect((await late.goto(used))?.status()).toBe(410);
  await context.close();
  await second.close();
});

test("one button logs every browser out, those too that only look at the list", async () => {
  const [one, two] = [await Visit.begin(browser, server), await Visit.begin(browser, server)];
  const [page, other] = [await one.page(), await two.page()];
  await page.getByRole("button", { name: "Log all browsers out" }).click();
  await dialog(page).getByText("Programs go on").waitFor();
  await shot(page, "log-out");
  await dialog(page).getByRole("button", { name: "Log out" }).click();
  for (const it of [page, other]) await it.getByText("This browser is not let in yet.").waitFor();
  await one.end(REFUSED, /WebSocket/);
  await two.end(REFUSED, /WebSocket/);
});

test("what another process does is shown at once", async () => {
  const visit = await Visit.begin(browser, server);
  const page = await visit.page();
  await page.getByText("No sessions yet.").waitFor();
  writeFileSync(join(server.workspace, "file"), "x");
  server.git("add", "file");
  server.git("commit", "--quiet", "--message=file");
  server.wharf("create", "made-elsewhere", "--branch", "topic/x");
  await row(page, "made-elsewhere").getByText("topic/x").waitFor();
  server.wharf("bind", "made-elsewhere", "--issue", "acme/shop#42");
  server.wharf("phase", "made-elsewhere", "review");
  await row(page, "made-elsewhere").getByText("acme/shop#42").waitFor();
  await row(page, "made-elsewhere").getByText("review").waitFor();
  const { worktreePath } = server.session("made-elsewhere");
  writeFileSync(join(worktreePath, "new"), "x");
  server.git("-C", worktreePath, "commit", "--quiet", "--allow-empty", "--message=ahead");
  await row(page, "made-elsewhere").getByLabel("1 untracked").waitFor();
  await row(page, "made-elsewhere").getByLabel("1 ahead").waitFor();
  // Its base goes on without it, and a file of it changes.
  server.git("commit", "--quiet", "--allow-empty", "--message=behind");
  server.git("commit", "--quiet", "--allow-empty", "--message=behind");
  writeFileSync(join(worktreePath, "file"), "y");
  await row(page, "made-elsewhere").getByLabel("2 behind").waitFor();
  await row(page, "made-elsewhere").getByLabel("1 changed").waitFor();
  server.wharf("start", "made-elsewhere", "--agent", "mine");
  await row(page, "made-elsewhere").getByText("mine", { exact: true }).waitFor();
  server.wharf("stop", "made-elsewhere");
  await row(page, "made-elsewhere").getByText("stopped").waitFor();
  await visit.end();
});

test("a session says how old it is", async () => {
  const visit = await Visit.begin(browser, server);
  const page = await visit.page();
  await row(page, "made-elsewhere").getByText(/^(new|\d+[sm] old)$/).waitFor();
  const later = await visit.context.newPage();
  await later.clock.install({ time: Date.now() + 3 * 24 * 3_600_000 + 60_000 });
  await later.goto(server.origin);
  await row(later, "made-elsewhere").getByText("3d old").waitFor();
  await visit.end();
});

test("the worktrees are looked at once when the page is opened, and once when the server is back", async () => {
  const visit = await Visit.begin(browser, server);
  await visit.context.addInitScript(() => {
    // Without the look now and then, which comes when it comes.
    const every = window.setInterval.bind(window);
    window.setInterval = ((run: () => void, ms: number) => (ms === 10_000 ? 0 : every(run, ms))) as typeof window.setInterval;
  });
  const asked = (what: RegExp): number => visit.requests.filter((it) => what.test(it)).length;
  const looks = (): number => asked(/changes=true&limit/);
  const [first, named] = [looks(), asked(/ids=/)];
  const page = await visit.page();
  await expect.poll(looks).toBe(first + 1);
  // Looks come one after the other, so whatever was wanted before this one has been asked for when it is.
  server.wharf("create", "one-look");
  await expect.poll(() => asked(/ids=/)).toBeGreaterThan(named);
  expect(looks()).toBe(first + 1);
  await server.end("SIGKILL");
  await page.locator(".side .server-link", { hasText: "away" }).waitFor();
  await server.start();
  await expect.poll(looks, { timeout: 20_000 }).toBe(first + 2);
  const again = asked(/ids=/);
  server.wharf("create", "another-look");
  await expect.poll(() => asked(/ids=/)).toBeGreaterThan(again);
  expect(looks()).toBe(first + 2);
  for (const name of ["one-look", "another-look"]) server.wharf("destroy", name, "--delete-branch");
  await visit.end(/./);
});

test("a session that is made is typed in at once, also where the end of its dialog is told late", async () => {
  const visit = await Visit.begin(browser, server);
  await visit.context.addInitScript(() => {
    addEventListener(
      "close",
      (event) => {
        if (!event.isTrusted || !(event.target instanceof HTMLDialogElement)) return;
        const dialog = event.target;
        event.stopImmediatePropagation();
        setTimeout(() => dialog.dispatchEvent(new Event("close")), 1_000);
      },
      true,
    );
  });
  const page = await visit.page();
  await create(page, "typed-in");
  await expect.poll(() => page.locator("dialog").count()).toBe(0);
  await line(page, "clear; echo arrived");
  await shows(page, "typed-in", /^arrived$/m);
  server.wharf("kill", "typed-in");
  server.wharf("destroy", "typed-in", "--delete-branch");
  await visit.end();
});

test("a destroy names what would be lost, asks about each kind, and can be undone", async () => {
  const visit = await Visit.begin(browser, server);
  const page = await visit.page();
  await create(page, "doomed");
  await line(page, "echo work > file; git add file; git commit -qm work; echo more >> file; echo new > untracked; clear; echo made");
  await shows(page, "doomed", /^made$/m);
  await pane(page, "doomed").getByRole("button", { name: "Destroy…" }).click();
  const asks = dialog(page);
  await asks.getByText("1 modified file").waitFor();
  await asks.getByText("1 untracked file").waitFor();
  await asks.getByText("its program runs").waitFor();
  expect(await asks.getByText("1 commit that is on no other branch").count()).toBe(0);
  await asks.getByLabel("Delete the branch").check();
  await asks.getByText("1 commit that is on no other branch").waitFor();
  await shot(page, "destroy");
  await asks.getByLabel("Untracked files may go").check();
  await asks.getByRole("button", { name: "Destroy" }).click();
  await asks.locator(".dialog-error").getByText("UNSAVED_WORK").or(asks.locator(".dialog-error").getByText("IN_USE")).waitFor();
  expect(await asks.getByLabel("Untracked files may go").isChecked()).toBe(true);
  for (const label of ["Changed files may go", "Commits that are nowhere else may go", "The program that runs in it is ended"]) {
    await asks.getByLabel(label).check();
  }
  await asks.getByRole("button", { name: "Destroy" }).click();
  await page.locator(".toast", { hasText: "doomed was destroyed." }).waitFor();
  await expect.poll(() => row(page, "doomed").count()).toBe(0);
  expect(server.sessions().map((it) => it.name)).toEqual(["made-elsewhere"]);
  expect(server.git("branch", "--list", "feature/doomed")).toBe("");
  const undone = page.waitForResponse(/\/undo$/);
  await page.locator(".toast").getByRole("button", { name: "Undo" }).click();
  // The list shows it before all of it is back.
  await undone;
  await row(page, "doomed").waitFor();
  const { worktreePath } = server.session("doomed");
  expect(server.git("-C", worktreePath, "status", "--porcelain")).toBe(" M file\n?? untracked\n");

  // And from the list of what was destroyed.
  server.wharf("destroy", "doomed", "--force");
  await expect.poll(() => row(page, "doomed").count()).toBe(0);
  await page.getByRole("button", { name: "Destroyed sessions" }).click();
  await dialog(page).getByText("destroyed just now").first().waitFor();
  await shot(page, "trash");
  await dialog(page).getByRole("button", { name: "Bring back doomed" }).first().click();
  await row(page, "doomed").waitFor();
  expect(server.git("-C", worktreePath, "status", "--porcelain")).toBe(" M file\n?? untracked\n");
  await visit.end(REFUSED);
});

test("a refusal is shown with its code, its words and the next step", async () => {
  const visit = await Visit.begin(browser, server);
  const page = await visit.page();
  await page.keyboard.press("n");
  await dialog(page).getByLabel("Name").fill("doomed");
  await dialog(page).getByRole("button", { name: "Create" }).click();
  const said = dialog(page).locator(".dialog-error");
  await said.getByText("NAME_TAKEN").waitFor();
  await dialog(page).getByLabel("Name").fill("../../outside");
  await dialog(page).getByRole("button", { name: "Create" }).click();
  await said.getByText("INVALID_NAME").waitFor();
  await dialog(page).getByText("Branch, base and issue").click();
  await dialog(page).getByLabel("Issue").fill("no issue");
  await dialog(page).getByRole("button", { name: "Create" }).click();
  await said.getByText("owner/repo#42").waitFor();
  await dialog(page).getByLabel("Issue").fill("");
  for (const name of ["third", "fourth"]) server.wharf("create", name);
  await dialog(page).getByLabel("Name").fill("fifth");
  await dialog(page).getByRole("button", { name: "Create" }).click();
  await said.getByText("Maximum 4 sessions supported.").waitFor();
  await said.getByText("MAX_SESSIONS", { exact: true }).waitFor();
  await shot(page, "refusal");
  await page.keyboard.press("Escape");
  for (const name of ["third", "fourth"]) server.wharf("destroy", name, "--delete-branch");
  await visit.end(REFUSED);
});

test("a name, an issue and a phase are changed", async () => {
  const visit = await Visit.begin(browser, server);
  const page = await visit.page();
  await row(page, "doomed").click();
  await pane(page, "doomed").getByRole("button", { name: "Details" }).click();
  await dialog(page).getByLabel("Name").fill("spared");
  await dialog(page).getByLabel("Phase").fill("tests");
  await dialog(page).getByLabel("Issue").fill("acme/shop#7");
  await shot(page, "details");
  await dialog(page).getByRole("button", { name: "Save" }).click();
  await row(page, "spared").getByText("acme/shop#7").waitFor();
  await row(page, "spared").getByText("tests").waitFor();
  await visit.end();
});

test("what a session prints and is called never becomes part of the page", async () => {
  const visit = await Visit.begin(browser, server);
  const page = await visit.page();
  const markup = "<img src=x onerror=document.title='owned'>";
  // Git allows these in a branch; a name may not have them, metadata and a phase may.
  server.wharf("create", "hostile", "--branch", "x/<b>bold</b>&amp;\"'", "--meta", `note=${markup}`);
  server.wharf("phase", "hostile", markup);
  mkdirSync(join(server.session("hostile").worktreePath, markup.replaceAll("/", "")));
  writeFileSync(join(server.session("hostile").worktreePath, `${markup}.txt`), "");
  await row(page, "hostile").getByText("x/<b>bold</b>&amp;\"'").waitFor();
  await row(page, "hostile").getByText(markup).waitFor();
  await row(page, "hostile").click();
  await pane(page, "hostile").getByRole("button", { name: "Start…" }).first().click();
  await dialog(page).getByRole("button", { name: "Start" }).click();
  await controls(page, "hostile");
  const harm = [
    `printf '\\033]0;${markup.replaceAll("'", "")}\\007'`,
    `printf '\\033]8;;javascript:document.title=1\\007link\\033]8;;\\007\\n'`,
    `printf '\\033]52;c;aGFybQ==\\007\\033[c\\033[6n\\033[>q'`,
    "printf '\\033]1337;File=inline=1:AAAA\\007\\033P+q544e\\033\\\\'",
    // What came before ends without a line break.
    "printf '\\n<script>document.title=2</script>\\n'",
  ];
  for (const it of harm) {
    await line(page, it);
    // What the terminal answers is typed as well, and must not come in the middle of the next line.
    if (it.includes("[6n")) await shows(page, "hostile", /\[\d+;\d+R/);
  }
  await shows(page, "hostile", /^<script>document.title=2<\/script>$/m);
  await pane(page, "hostile").locator(".pane-says", { hasText: "<img" }).waitFor();
  await pane(page, "hostile").getByRole("button", { name: "Details" }).click();
  await dialog(page).getByText(markup).first().waitFor();
  await shot(page, "hostile");
  await page.keyboard.press("Escape");
  await pane(page, "hostile").getByRole("button", { name: "Destroy…" }).click();
  await dialog(page).getByText("1 untracked file: <img").waitFor();
  expect(await page.locator("img, script:not([src]), b, iframe").count()).toBe(0);
  expect(await page.title()).toMatch(/^wharf/);
  await visit.end();
});

test("a session whose teardown fails can be destroyed without it", async () => {
  const torn = new Server('[setup]\nteardown = ["exit 1"]\n');
  try {
    torn.wharf("create", "stuck");
    await torn.start();
    const visit = await Visit.begin(browser, torn);
    const page = await visit.page();
    await row(page, "stuck").click();
    await pane(page, "stuck").getByRole("button", { name: "Destroy…" }).click();
    const asks = dialog(page);
    await asks.getByText("Nothing would be lost").waitFor();
    await asks.getByRole("button", { name: "Destroy" }).click();
    await asks.locator(".dialog-error").getByText("SETUP_FAILED").waitFor();
    await asks.getByLabel("Leave out what is set to run").check();
    await asks.getByRole("button", { name: "Destroy" }).click();
    await page.locator(".toast", { hasText: "stuck was destroyed." }).waitFor();
    expect(torn.sessions()).toEqual([]);
    await visit.end(REFUSED);
  } finally {
    await torn.close();
  }
});
