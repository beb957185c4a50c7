// The small facts about a worktree: changed and new files, commits ahead and behind.
import type { Session } from "../api/types";
import { h } from "./dom";

export function changeChips(session: Session): HTMLElement | null {
  const chips: HTMLElement[] = [];
  const add = (kind: string, sign: string, count: number | null | undefined, what: string): void => {
    if (count) chips.push(h("span", { class: `chip ${kind}`, title: `${count} ${what}`, "aria-label": `${count} ${what}` }, `${sign}${count}`));
  };
  add("dirty", "~", session.modified, "changed");
  add("dirty", "+", session.untracked, "untracked");
  add("ahead", "↑", session.ahead, "ahead");
  add("behind", "↓", session.behind, "behind");
  const state = session.worktreeState;
  if (state && state !== "present") chips.push(h("span", { class: "chip bad" }, `worktree ${state}`));
  return chips.length > 0 ? h("span", { class: "chips" }, ...chips) : null;
}
