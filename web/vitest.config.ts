// Which tests run how: those of single parts, and those in a real browser against a real server.
import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    projects: [
      { test: { name: "unit", include: ["tests/unit/**/*.test.ts"] } },
      {
        test: {
          name: "browser",
          include: ["tests/browser/**/*.test.ts"],
          testTimeout: 90_000,
          hookTimeout: 90_000,
        },
      },
      { test: { name: "bench", include: ["tests/bench/**/*.test.ts"], testTimeout: 600_000, hookTimeout: 90_000 } },
      {
        test: { name: "container", include: ["tests/container/**/*.test.ts"], testTimeout: 120_000, hookTimeout: 90_000 },
      },
    ],
  },
});
