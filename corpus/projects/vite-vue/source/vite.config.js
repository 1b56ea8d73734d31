import vue from "@vitejs/plugin-vue";
import { defineConfig } from "vite";
import { compression } from "vite-plugin-compression2";

export default defineConfig({
  base: "/docs/",
  plugins: [vue(), compression({ algorithms: ["gzip", "brotliCompress"], threshold: 100 })],
});
