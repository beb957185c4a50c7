// The small facts about a worktree: changed and new files, commits ahead and behind.
import type { Session } from "../api/types";
import { changesOf } from "../state/facts";
import { h } from "./dom";

export function changeChips(session: Session): HTMLElement | null {
  const it = changesOf(session);
  const chips: HTMLElement[] = [];
  const add = (kind: string, sign: string, count: number | null | undefined, what: string): void => {
    if (count) chips.push(h("span", { class: `chip ${kind}`, title: `${count} ${what}`, "aria-label": `${count} ${what}` }, `${sign}${count}`));
  };
  add("dirty", "~", it.modified, "changed");
  add("dirty", "+", it.untracked, "untracked");
  add("ahead", "↑", it.ahead, "ahead");
  add("behind", "↓", it.behind, "behind");
  const state = session.worktreeState;
  if (state && state !== "present") chips.push(h("span", { class: "chip bad" }, `worktree ${state}`));
  return chips.length > 0 ? h("span", { class: "chips" }, ...chips) : null;
}
