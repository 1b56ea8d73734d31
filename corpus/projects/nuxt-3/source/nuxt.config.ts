export default defineNuxtConfig({
  compatibilityDate: "2025-01-01",
  telemetry: false,
  css: ["~/assets/main.css"],
  app: { baseURL: "/docs/", head: { script: [{ src: "/docs/assets/vendor-a1b2c3d4.js" }], link: [{ rel: "icon", href: "/docs/favicon.ico" }] } },
});
