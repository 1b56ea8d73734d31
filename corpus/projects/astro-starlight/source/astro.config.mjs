import starlight from "@astrojs/starlight";
import { defineConfig } from "astro/config";

export default defineConfig({
  site: "https://example.com",
  base: "/docs",
  integrations: [starlight({ title: "Corpus", customCss: ["./src/main.css"], favicon: "/favicon.ico" })],
});
