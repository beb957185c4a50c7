// A button with a picture, a name that is read out, and a tip with its key.
import { h } from "./dom";
import { icon, type Icon } from "./icons";

export function iconButton(name: Icon, label: string, press: (event: MouseEvent) => void, kind = ""): HTMLButtonElement {
  return h("button", { type: "button", class: `icon-button ${kind}`, "aria-label": label, title: label, onclick: press }, icon(name));
}

export function textButton(label: string, press: (event: MouseEvent) => void, kind = ""): HTMLButtonElement {
  return h("button", { type: "button", class: `button ${kind}`, onclick: press }, label);
}
