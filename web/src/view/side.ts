// The side of the page: its name, the buttons that concern all sessions, the list, and whether the server answers.
import * as theme from "../state/theme";
import * as waiting from "../state/waiting";
import { iconButton, textButton } from "./button";
import { fill, h, say } from "./dom";
import { icon, type Icon } from "./icons";
import { note } from "./toast";

export interface SideListener {
  create(): void;
  trash(): void;
  logOut(): void;
  help(): void;
  layout(): void;
}

const THEME_ICONS: Record<theme.Choice, Icon> = { auto: "auto", light: "sun", dark: "moon" };

export class Side {
  readonly element: HTMLElement;
  #place = h("span", { class: "place" });
  #looks = h("span", { class: "chip", title: "This page may look and change nothing", hidden: true }, "read-only");
  #link = h("span", { class: "server-link", role: "status" });
  #foot = h("footer", { class: "side-foot" });
  #theme: HTMLButtonElement;
  #bell: HTMLButtonElement;
  #create: HTMLButtonElement;
  #trash: HTMLButtonElement;
  #out: HTMLButtonElement;

  constructor(list: HTMLElement, listener: SideListener) {
    this.#theme = iconButton("auto", "", () => this.nextTheme());
    this.#bell = iconButton("bell", "", () => void waiting.toggle().then((it) => this.#belled(it)));
    this.#create = textButton("New", () => listener.create(), "primary new");
    this.#create.prepend(icon("plus"));
    this.#create.setAttribute("aria-keyshortcuts", "n");
    this.#create.title = "New session (n)";
    this.#trash = iconButton("undo", "Destroyed sessions (u)", () => listener.trash());
    this.#out = iconButton("out", "Log all browsers out", () => listener.logOut());
    const tools = h(
      "div",
      { class: "tools", role: "toolbar", "aria-label": "Page" },
      this.#trash,
      iconButton("grid", "Side by side, or one at a time (g)", () => listener.layout(), "wide-only"),
      this.#bell,
      this.#theme,
      this.#out,
      iconButton("help", "Keys (?)", () => listener.help()),
    );
    const head = h("header", { class: "side-head" }, h("h1", {}, "wharf"), this.#place, this.#looks, this.#create);
    this.element = h("aside", { class: "side", "aria-label": "All sessions" }, head, list, this.#foot);
    fill(this.#foot, this.#link, tools);
    this.#drawTheme();
    this.#drawBell(waiting.permission());
  }

  name(workspace: string, version: string, readOnly: boolean): void {
    const short = workspace.split("/").filter(Boolean).pop() ?? workspace;
    say(this.#place, short);
    this.#place.title = [workspace, version && `wharf ${version}`].filter(Boolean).join(" · ");
    this.#create.hidden = readOnly;
    this.#trash.hidden = readOnly;
    this.#out.hidden = readOnly;
    this.#looks.hidden = !readOnly;
  }

  connected(is: boolean): void {
    this.#link.classList.toggle("lost", !is);
    say(this.#link, is ? "live" : "server away");
  }

  nextTheme(): void {
    theme.choose(theme.following(theme.choice()));
    this.#drawTheme();
  }

  #drawTheme(): void {
    const choice = theme.choice();
    const label = `Colours: ${choice === "auto" ? "as the system has them" : choice} (t)`;
    this.#theme.setAttribute("aria-label", label);
    this.#theme.title = label;
    fill(this.#theme, icon(THEME_ICONS[choice]));
  }

  #belled(it: waiting.Permission): void {
    if (it === "blocked") note("This browser blocks notifications of this page; its site settings can allow them.");
    this.#drawBell(it);
  }

  #drawBell(it: waiting.Permission): void {
    const label = it === "on" ? "Notifications are on" : "Notify when a session waits";
    this.#bell.hidden = it === "impossible";
    this.#bell.setAttribute("aria-label", label);
    this.#bell.setAttribute("aria-pressed", String(it === "on"));
    this.#bell.title = label;
    fill(this.#bell, icon(it === "on" ? "bell" : "bell-off"));
  }
}
