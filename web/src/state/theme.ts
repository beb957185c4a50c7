// Light or dark: as the system has it, or as a person chose here.

export type Choice = "auto" | "light" | "dark";
const KEY = "wharf.theme";
const dark = matchMedia("(prefers-color-scheme: dark)");
const listeners = new Set<() => void>();

export function choice(): Choice {
  const kept = localStorage.getItem(KEY);
  return kept === "light" || kept === "dark" ? kept : "auto";
}

export function isDark(): boolean {
  const chosen = choice();
  return chosen === "auto" ? dark.matches : chosen === "dark";
}

export function choose(next: Choice): void {
  localStorage.setItem(KEY, next);
  apply();
}

/** Auto, light, dark, and round again. */
export function following(it: Choice): Choice {
  return it === "auto" ? "light" : it === "light" ? "dark" : "auto";
}

export function onTheme(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

export function apply(): void {
  document.documentElement.dataset["theme"] = isDark() ? "dark" : "light";
  for (const listener of listeners) listener();
}

dark.addEventListener("change", apply);
