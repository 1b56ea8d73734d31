import { greeting } from "./greeting.js";
import "./main.css";

console.log(greeting("About"));
document.querySelector("p").onclick = async () => (await import("./[slug].js")).show();
