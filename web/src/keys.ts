// The keys that work everywhere outside terminals, fields and dialogs.
import { dialogIsOpen } from "./view/dialog";

export interface KeyDeeds {
  help(): void;
  create(): void;
  find(): void;
  move(by: number): void;
  startOrStop(): void;
  details(): void;
  destroy(): void;
  trash(): void;
  at(index: number): void;
  layout(): void;
  close(): void;
  theme(): void;
  list(): void;
}

export function listenToKeys(deeds: KeyDeeds): void {
  const keys: Record<string, () => void> = {
    "?": deeds.help,
    n: deeds.create,
    "/": deeds.find,
    j: () => deeds.move(1),
    k: () => deeds.move(-1),
    ArrowDown: () => deeds.move(1),
    ArrowUp: () => deeds.move(-1),
    s: deeds.startOrStop,
    i: deeds.details,
    d: deeds.destroy,
    u: deeds.trash,
    g: deeds.layout,
    x: deeds.close,
    t: deeds.theme,
    Escape: deeds.list,
  };
  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.ctrlKey || event.altKey || event.metaKey) return;
    if (dialogIsOpen() || isTypedInto(event.target)) return;
    const digit = /^[1-9]$/.test(event.key) ? Number(event.key) : 0;
    const deed = digit > 0 ? (): void => deeds.at(digit - 1) : keys[event.key];
    if (!deed) return;
    event.preventDefault();
    deed();
  });
}

function isTypedInto(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false;
  return target.isContentEditable || ["INPUT", "TEXTAREA", "SELECT"].includes(target.tagName) || target.closest(".xterm") !== null;
}
