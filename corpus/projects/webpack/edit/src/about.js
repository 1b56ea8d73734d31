import { greeting } from "./greeting.js";
import "./main.css";

console.log(greeting("This page says where we began and what came after."));
document.querySelector("p").onclick = async () => (await import("./[slug].js")).show();
