export default {
  build: { target: "esnext", assetsInlineLimit: 0, rollupOptions: { input: ["index.html", "about.html"] } },
};
