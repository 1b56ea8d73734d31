import { greeting } from "./greeting.js";
import addUrl from "./add.wasm?url";
import "./main.css";

const worker = new Worker(new URL("./counting.worker.js", import.meta.url), { type: "module" });
worker.postMessage(greeting("worker"));
const { instance } = await WebAssembly.instantiateStreaming(fetch(addUrl));
document.getElementById("sum").textContent = instance.exports.add(2, 3);
document.querySelector("h1").onclick = async () => (await import("./[slug].js")).show();
