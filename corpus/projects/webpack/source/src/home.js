import { greeting } from "./greeting.js";
import hero from "./HeroBANNER.png";
import "./main.css";

console.log(greeting("Home"), hero);
document.querySelector("h1").onclick = async () => (await import("./[slug].js")).show();
