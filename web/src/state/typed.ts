// What a person typed, as what is meant by it.
import { Problem } from "../api/problem";

const ISSUE = /^([^\s#]+\/[^\s#]+)#(\d+)$/;
/** Words that need no shell to be told apart. */
const PLAIN = /^[\w\s./:=@%+,-]+$/;

export function parseIssue(text: string): { repository: string; number: number } | undefined {
  if (text.trim() === "") return undefined;
  const found = ISSUE.exec(text.trim());
  if (!found) throw new Problem(0, "INVALID_VALUE", `\`${text}\` is no issue`, "write it as owner/repo#42");
  return { repository: found[1] as string, number: Number(found[2]) };
}

/** A typed command as words: split where that is clear, by a shell where it is not. */
export function words(command: string): string[] {
  const text = command.trim();
  return PLAIN.test(text) ? text.split(/\s+/) : ["sh", "-c", text];
}

/** The control character of a key; the key itself where there is none. */
export function withControl(key: string): string {
  const code = key.toUpperCase().charCodeAt(0);
  if (code >= 0x40 && code <= 0x5f) return String.fromCharCode(code & 0x1f);
  if (key === " ") return "\0";
  return key === "?" ? "\x7f" : key;
}
