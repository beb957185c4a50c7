// Whether there is room for more than one thing beside each other.

const phone = matchMedia("(max-width: 760px), (pointer: coarse) and (max-width: 1000px)");

export function isPhone(): boolean {
  return phone.matches;
}

export function onWidth(listener: () => void): void {
  phone.addEventListener("change", listener);
}
