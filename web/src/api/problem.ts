// What went wrong with a request, with the server's own code, words and next step.
import type { Loss } from "./types";

export class Problem extends Error {
  override name = "Problem";

  constructor(
    readonly status: number,
    readonly code: string,
    detail: string,
    readonly hint: string | null = null,
    readonly losses: Loss[] = [],
  ) {
    super(detail);
  }

  /** Reads the answer of a request that failed. */
  static async of(response: Response): Promise<Problem> {
    let body: Record<string, unknown> = {};
    try {
      const value: unknown = await response.json();
      if (typeof value === "object" && value !== null) body = value as Record<string, unknown>;
    } catch {
      // Not from wharf: a proxy in between, or a server that is going away.
    }
    const word = (key: string): string | null => (typeof body[key] === "string" ? (body[key] as string) : null);
    const detail = word("detail") ?? word("title") ?? `the server answered ${response.status}`;
    const losses = Array.isArray(body["losses"]) ? (body["losses"] as Loss[]) : [];
    return new Problem(response.status, word("code") ?? `HTTP_${response.status}`, detail, word("hint"), losses);
  }

  /** The request got no answer at all. */
  static unreachable(): Problem {
    const hint = "`wharf serve` starts it again; sessions go on without it";
    return new Problem(0, "UNREACHABLE", "the server does not answer", hint);
  }

  /** Whatever was thrown, as something that can be shown. */
  static from(thrown: unknown): Problem {
    if (thrown instanceof Problem) return thrown;
    return new Problem(0, "INTERNAL", thrown instanceof Error ? thrown.message : String(thrown));
  }
}
