// The plain page: lists sessions, shows screens as text, takes input. No build step, no library.
"use strict";

const byId = (id) => document.getElementById(id);
const KEYS = { enter: "enter", esc: "escape", tab: "tab", "↑": "up", "↓": "down", "←": "left", "→": "right", "^C": "ctrl-c", "^D": "ctrl-d" };
/** Nothing can be changed before the server has said that this page may, which it is asked on every new connection. */
let readOnly = true;
let isTold = false;
let sessions = [];
let open = location.hash.slice(1);

/** Asks the server; what went wrong is shown, with the next step. */
async function ask(method, path, body) {
  const headers = method === "GET" ? {} : { "Content-Type": "application/json" };
  const content = method === "GET" ? undefined : JSON.stringify(body ?? {});
  let response;
  try {
    response = await fetch("/api/v1" + path, { method, headers, body: content, cache: "no-store" });
  } catch {
    throw new Error("the server does not answer; sessions go on without it");
  }
  if (response.ok) return response;
  const problem = await response.json().catch(() => ({}));
  const hint = response.status === 401 ? "open this page with `wharf open`" : problem.hint;
  throw new Error([problem.code, problem.detail ?? `status ${response.status}`, hint].filter(Boolean).join(" · "));
}

/** What went wrong with the last deed and with the last look. */
const wrong = { deed: "", look: "" };

/** Does something and looks at what became of it. What it was refused stays to be read until the next deed. */
async function act(deed, then = refresh) {
  await attempt("deed", deed);
  await look(then);
}

const look = (at) => attempt("look", at);

async function attempt(kind, run) {
  wrong[kind] = await run().then(() => "", (error) => error.message);
  const text = [wrong.deed, wrong.look].filter(Boolean).join(" — ");
  if (byId("problem").textContent !== text) byId("problem").textContent = text;
}

const at = (id) => "/sessions/" + encodeURIComponent(id);
const opened = () => sessions.find((it) => it.id === open);

function button(text, press) {
  const element = document.createElement("button");
  element.type = "button";
  element.textContent = text;
  element.addEventListener("click", press);
  return element;
}

function drawList() {
  const had = document.activeElement?.dataset?.id;
  const rows = sessions.map((session) => {
    const row = button(`${session.name}: ${session.status}, ${session.branch}`, () => show(session.id));
    row.dataset.id = session.id;
    row.className = session.status;
    if (session.id === open) row.setAttribute("aria-current", "true");
    const item = document.createElement("li");
    item.append(row);
    return item;
  });
  byId("sessions").replaceChildren(...rows);
  if (had) rows.find((it) => it.firstChild.dataset.id === had)?.firstChild.focus();
  const waiting = sessions.filter((it) => it.status === "waiting").length;
  document.title = waiting > 0 ? `● ${waiting} waiting · wharf` : "wharf";
}

/** The buttons stay the same elements as long as they mean the same, so that a finger or a keyboard can rest on them. */
function drawDeeds(session, isRunning) {
  const meaning = session && !readOnly ? `${session.id} ${isRunning}` : "";
  if (byId("deeds").dataset.meaning === meaning) return;
  byId("deeds").dataset.meaning = meaning;
  const deeds = [];
  if (meaning && isRunning) deeds.push(button("Stop", () => act(() => ask("POST", at(session.id) + "/stop"))));
  else if (meaning) deeds.push(button("Start a shell", () => act(() => ask("POST", at(session.id) + "/start"))));
  byId("deeds").replaceChildren(...deeds);
}

async function drawScreen() {
  const session = opened();
  byId("name").textContent = session ? session.name : "No session is open";
  byId("about").textContent = session ? `${session.status} · ${session.branch} · ${session.worktreePath}` : "";
  const isRunning = session?.running === true;
  byId("send").hidden = !isRunning || readOnly;
  drawDeeds(session, isRunning);
  if (document.hidden) return;
  const text = isRunning ? await (await ask("GET", at(session.id) + "/screen?format=text")).text() : "";
  if (opened() === session && byId("screen").textContent !== text) byId("screen").textContent = text;
}

let reading = null;
let again = false;

/** Reads all anew; calls while one runs are answered by the one after it. */
function refresh() {
  again = reading !== null;
  reading ??= read().finally(() => (reading = null));
  return reading;
}

async function read() {
  let failed;
  do {
    again = false;
    failed = await readOnce().then(() => null, (error) => error);
  } while (again);
  if (failed) throw failed;
}

async function readOnce() {
  if (!isTold) await learn();
  sessions = (await (await ask("GET", "/sessions?limit=200")).json()).sessions;
  drawList();
  await drawScreen();
}

/** Asks what this page may do. */
async function learn() {
  readOnly = (await (await ask("GET", "/settings")).json()).readOnly;
  isTold = true;
  byId("create").hidden = readOnly;
}

function show(id) {
  open = id;
  location.hash = id;
  drawList();
  look(drawScreen);
}

byId("send").addEventListener("submit", (event) => {
  event.preventDefault();
  const input = event.target.elements.text;
  const text = input.value;
  act(async () => {
    await ask("POST", at(open) + "/send", { text, enter: true });
    input.value = "";
  }, drawScreen);
});

byId("create").addEventListener("submit", (event) => {
  event.preventDefault();
  const input = event.target.elements.name;
  act(async () => {
    const name = input.value.trim();
    const made = await (await ask("POST", "/sessions", { ...(name ? { name } : {}), start: {} })).json();
    input.value = "";
    open = made.id;
    location.hash = made.id;
  });
});

for (const [face, key] of Object.entries(KEYS)) {
  byId("keys").append(button(face, () => act(() => ask("POST", at(open) + "/send", { keys: [key] }), drawScreen)));
}

/** Waits for what changes; the screen is also looked at now and then, since what is printed is no event. */
function listen() {
  // A browser keeps only six other connections to one server, for all its pages together.
  const events = new WebSocket(location.origin.replace(/^http/, "ws") + "/api/v1/events/socket");
  events.onopen = () => (isTold = false);
  events.onmessage = ({ data }) => JSON.parse(data).event !== "alive" && look(refresh);
  // Each begins with a hello, so whatever happened meanwhile is asked for.
  events.onclose = () => setTimeout(listen, 2000);
}
listen();

// Some browsers have no way to hear of an event.
setInterval(() => document.hidden || look(refresh), 10_000);
setInterval(() => document.hidden || (opened()?.running && look(drawScreen)), 1000);
document.addEventListener("visibilitychange", () => document.hidden || look(refresh));
look(refresh);
