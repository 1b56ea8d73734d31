import vue from "@vitejs/plugin-vue";
import { defineConfig } from "vite";

export default defineConfig({
  plugins: [vue()],
  build: {
    assetsDir: "static",
    assetsInlineLimit: 0,
    rollupOptions: {
      output: {
        entryFileNames: "static/js/[hash].js",
        chunkFileNames: "static/js/[hash:12].js",
        assetFileNames: ({ names }) => (names[0]?.endsWith(".css") ? "static/css/[hash:16]-[name][extname]" : "static/media/[hash]/[name][extname]"),
      },
    },
  },
});
