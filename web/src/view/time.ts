// How long ago something was, in one short word.

const STEPS: [number, string][] = [
  [60, "s"],
  [60, "m"],
  [24, "h"],
  [365, "d"],
];

export function age(since: string, now: number = Date.now()): string {
  let amount = Math.max(0, Math.floor((now - Date.parse(since)) / 1000));
  if (Number.isNaN(amount)) return "";
  if (amount < 10) return "now";
  for (const [size, word] of STEPS) {
    if (amount < size) return `${amount}${word}`;
    amount = Math.floor(amount / size);
  }
  return `${amount}y`;
}
