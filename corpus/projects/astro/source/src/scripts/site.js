import { greeting } from "./greeting.js";

document.addEventListener("click", async () => (await import("./version.js")).show(greeting("reader")));
