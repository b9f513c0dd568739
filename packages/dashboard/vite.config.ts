import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";
import react from "@vitejs/plugin-react";
import { defineConfig, type Plugin } from "vite";

const outDir = "../server/public";

// biome-ignore lint/style/noDefaultExport: Vite reads the default export.
export default defineConfig({
  // The server says under which path the page is (`base_path`), not the build.
  base: "./",
  plugins: [react(), precompressed()],
  build: {
    outDir,
    emptyOutDir: true,
    // The first that know `light-dark()`, which the style sheets are written with.
    target: ["chrome123", "edge123", "firefox120", "safari17.5"],
    // Of the contract the page needs the types; its schemas are the server's. To make one has no effect, so those that nobody uses go.
    rolldownOptions: { treeshake: { manualPureFunctions: ["Type"], propertyReadSideEffects: false } },
  },
  server: {
    proxy: {
      "/api": "http://127.0.0.1:8000",
      "/ws": { target: "ws://127.0.0.1:8000", ws: true },
    },
  },
});

/** Puts a brotli and a gzip file beside each text, once and as small as can be, which the server sends to whoever takes them. */
function precompressed(): Plugin {
  return {
    name: "precompressed",
    apply: "build",
    closeBundle() {
      const folder = join(import.meta.dirname, outDir);
      for (const name of readdirSync(folder, { recursive: true, encoding: "utf8" })) {
        if (!/\.(js|css|svg)$/.test(name)) continue;
        const bytes = readFileSync(join(folder, name));
        writeFileSync(join(folder, `${name}.gz`), gzipSync(bytes, { level: 9 }));
        const params = { [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length };
        writeFileSync(join(folder, `${name}.br`), brotliCompressSync(bytes, { params }));
      }
    },
  };
}
