// The head of an open session: what it is, who types, and the buttons.
import type { Session } from "../api/types";
import type { Live } from "../terminal/live";
import { iconButton } from "./button";
import { changeChips } from "./chips";
import { fill, h } from "./dom";
import type { Deeds } from "./pane";
import { statusMark, statusTip } from "./status";

export interface HeadListener {
  close(): void;
  back(): void;
  take(): void;
  observe(): void;
}

export class PaneHead {
  readonly element: HTMLElement;
  #title = h("div", { class: "pane-title" });
  #buttons = h("div", { class: "pane-buttons" });
  #shown = "";

  constructor(
    private readonly deeds: Deeds,
    private readonly listener: HeadListener,
  ) {
    const back = iconButton("back", "Back to the list", () => listener.back(), "back");
    this.element = h("header", { class: "pane-head" }, back, this.#title, this.#buttons);
  }

  update(session: Session | undefined, live: Live | null): void {
    const shown = JSON.stringify([session, live?.link, live?.controls, live?.title, this.deeds.readOnly()]);
    if (shown === this.#shown) return;
    this.#shown = shown;
    this.#drawTitle(session, live);
    // The button that was pressed keeps the focus, under its new name.
    const focused = [...this.#buttons.children].findIndex((it) => it === document.activeElement);
    fill(this.#buttons, ...this.#drawButtons(session, live));
    if (focused >= 0) (this.#buttons.children[Math.min(focused, this.#buttons.childElementCount - 1)] as HTMLElement).focus();
  }

  #drawTitle(session: Session | undefined, live: Live | null): void {
    if (!session) {
      fill(this.#title, h("strong", {}, "Gone"));
      return;
    }
    fill(
      this.#title,
      statusMark(session),
      h("strong", { class: "pane-name" }, session.name),
      h("span", { class: "sr" }, statusTip(session)),
      h("span", { class: "mono pane-branch", title: session.branch }, session.branch),
      changeChips(session),
      live !== null && live.title !== "" && h("span", { class: "pane-says", title: live.title }, live.title),
      live !== null && h("span", { class: `link ${live.link}` }, linkWord(live)),
    );
  }

  #drawButtons(session: Session | undefined, live: Live | null): HTMLElement[] {
    const close = iconButton("close", "Close (its program goes on)", () => this.listener.close());
    if (!session) return [close];
    const buttons: HTMLElement[] = [];
    const may = !this.deeds.readOnly();
    if (may && live?.link === "live") {
      buttons.push(
        live.controls
          ? iconButton("eye", "Only look on, and let others type", () => this.listener.observe())
          : iconButton("key", "Take control", () => this.listener.take()),
      );
    }
    if (may && session.running) {
      buttons.push(
        iconButton("restart", "Restart its program…", () => this.deeds.restart(session)),
        iconButton("stop", "Stop its program…", () => this.deeds.stop(session)),
      );
    } else if (may) buttons.push(iconButton("play", "Start…", () => this.deeds.start(session)));
    buttons.push(iconButton("more", "Details", () => this.deeds.details(session)));
    if (may) buttons.push(iconButton("trash", "Destroy…", () => this.deeds.destroy(session)));
    return [...buttons, close];
  }
}

function linkWord(live: Live): string {
  switch (live.link) {
    case "connecting":
      return "connecting";
    case "lost":
    case "refused":
      return "reconnecting";
    case "live":
      return live.controls ? "" : "observing";
    case "ended":
    case "absent":
      return "";
  }
}
