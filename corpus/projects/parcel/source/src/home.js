import { greeting } from "./greeting.js";
const hero = new URL("./HeroBANNER.png", import.meta.url);


console.log(greeting("Home"), hero);
document.querySelector("h1").onclick = async () => (await import("./version.js")).show();
new Worker(new URL("./counting.worker.js", import.meta.url), { type: "module" }).postMessage("worker");
