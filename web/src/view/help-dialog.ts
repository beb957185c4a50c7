// The dialog that lists the keys.
import { openDialog } from "./dialog";
import { h } from "./dom";

const KEYS: [string, [string[], string][]][] = [
  [
    "Anywhere outside a terminal",
    [
      [["?"], "these keys"],
      [["n"], "new session"],
      [["/"], "find a session"],
      [["j", "k"], "next, previous session (also ↓ ↑)"],
      [["Enter"], "open the session and type in it"],
      [["s"], "start or stop the session"],
      [["i"], "details of the session"],
      [["d"], "destroy the session"],
      [["u"], "destroyed sessions, to bring them back"],
      [["1", "…", "9"], "go to that open terminal"],
      [["g"], "side by side, or one at a time"],
      [["Esc"], "back to the list"],
      [["x"], "close the terminal in front (its program goes on)"],
      [["t"], "light, dark, or as the system has it"],
    ],
  ],
  [
    "In a terminal",
    [
      [["Ctrl", "\\"], "leave it (again Enter: back into it)"],
      [["Ctrl", "Shift", "\\"], "send Ctrl \\ to the program"],
      [["Ctrl", "Shift", "C"], "copy what is selected"],
      [["Ctrl", "Shift", "V"], "paste"],
      [["Shift", "PageUp"], "scroll back"],
    ],
  ],
];

export function openHelp(): void {
  const groups = KEYS.map(([title, keys]) => {
    const list = h("dl", { class: "keys" });
    for (const [names, what] of keys) {
      list.append(h("dt", {}, ...names.map((it) => (it === "…" ? "…" : h("kbd", {}, it)))), h("dd", {}, what));
    }
    return h("section", {}, h("h3", {}, title), list);
  });
  openDialog({ title: "Keys" }, ...groups);
}
