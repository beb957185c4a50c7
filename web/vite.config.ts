// How the page is built: one folder of files that the binary embeds, with nothing inline that a strict policy would refuse.
import { readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { defineConfig, type Plugin } from "vite";

const OUT = "dist";
/** What the built page holds code of. */
const CARRIED = ["@xterm/xterm", "@xterm/addon-fit", "@xterm/addon-unicode11", "@xterm/addon-web-links"];

/** Empties the folder but for its `.gitignore`, which must stay. */
function emptied(): Plugin {
  return {
    name: "emptied",
    apply: "build",
    buildStart() {
      for (const name of readdirSync(OUT)) if (name !== ".gitignore") rmSync(join(OUT, name), { recursive: true });
    },
  };
}

/** Puts the licences of what the page carries beside it. */
function licences(): Plugin {
  return {
    name: "licences",
    apply: "build",
    generateBundle() {
      const texts = CARRIED.map((name) => `${name}\n\n${readFileSync(join("node_modules", name, "LICENSE"), "utf8")}`);
      this.emitFile({ type: "asset", fileName: "assets/licences.txt", source: texts.join("\n\n") });
    },
  };
}

export default defineConfig({
  base: "/",
  plugins: [emptied(), licences()],
  build: {
    target: "es2022",
    outDir: OUT,
    emptyOutDir: false,
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    chunkSizeWarningLimit: 1000,
  },
  // For work on the page alone: `WHARF_SERVER` is a `wharf serve` that runs.
  server: {
    proxy: { "/api": { target: process.env["WHARF_SERVER"] ?? "http://127.0.0.1:7777", ws: true } },
  },
});
