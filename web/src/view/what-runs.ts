// The choice of what to start in a session: nothing, a shell, an agent, or a command.
import type { Start } from "../api/types";
import { words } from "../state/typed";
import { field, textInput } from "./dialog";
import { fill, h } from "./dom";

export type Kind = "nothing" | "shell" | "agent" | "command";

const NAMES: Record<Kind, string> = { nothing: "Nothing", shell: "Shell", agent: "Agent", command: "Command" };
export class WhatRuns {
  readonly element: HTMLElement;
  #kind: Kind;
  #agent: HTMLSelectElement;
  #prompt = h("textarea", { rows: 3, name: "prompt", placeholder: "optional: what it should do first" });
  #command = textInput({ name: "command", placeholder: "npm run dev", class: "mono" });
  #more = h("div", { class: "fields" });

  constructor(kinds: Kind[], agents: readonly string[], chosen: { kind: Kind; agent?: string | null }) {
    const offered = agents.filter((it) => it !== "shell");
    this.#agent = h("select", { name: "agent" });
    for (const it of offered) this.#agent.append(h("option", { value: it, selected: it === chosen.agent }, it));
    const possible = kinds.filter((it) => it !== "agent" || offered.length > 0);
    this.#kind = possible.includes(chosen.kind) ? chosen.kind : (possible[0] ?? "shell");
    const radios = possible.map((kind) =>
      h(
        "label",
        { class: "segment" },
        h("input", { type: "radio", name: "runs", value: kind, checked: kind === this.#kind, onchange: () => this.#choose(kind) }),
        h("span", {}, NAMES[kind]),
      ),
    );
    this.element = h(
      "fieldset",
      {},
      h("legend", {}, "Start"),
      h("div", { class: "segments" }, ...radios),
      this.#more,
    );
    this.#choose(this.#kind);
  }

  #choose(kind: Kind): void {
    this.#kind = kind;
    if (kind === "agent") fill(this.#more, field("Agent", this.#agent), field("Prompt", this.#prompt));
    else if (kind === "command") fill(this.#more, field("Command", this.#command));
    else fill(this.#more);
  }

  /** What was chosen; nothing when nothing is to be started. */
  value(): Start | undefined {
    switch (this.#kind) {
      case "nothing":
        return undefined;
      case "shell":
        return {};
      case "agent": {
        const prompt = this.#prompt.value.trim();
        return { agent: this.#agent.value, ...(prompt ? { prompt } : {}) };
      }
      case "command":
        return this.#command.value.trim() ? { command: words(this.#command.value) } : {};
    }
  }
}
