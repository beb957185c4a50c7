// How long the page waits for an answer.
import { afterEach, expect, it, vi } from "vitest";
import * as api from "../../src/api/client";

afterEach(() => {
  vi.unstubAllGlobals();
  vi.restoreAllMocks();
});

it("what people have run may take as long as it takes, and nothing else", async () => {
  vi.stubGlobal("fetch", () => Promise.resolve(new Response("{}")));
  const limit = vi.spyOn(AbortSignal, "timeout");
  const hour = 3_600_000;
  await api.create({});
  await api.destroy("x", { permits: [], deleteBranch: false, dryRun: false, noTeardown: false });
  expect(limit.mock.calls.every(([ms]) => ms >= hour)).toBe(true);
  limit.mockClear();
  await api.show("x");
  await api.destroy("x", { permits: [], deleteBranch: false, dryRun: true, noTeardown: false });
  expect(limit.mock.calls).toEqual([[120_000], [120_000]]);
});
