import { greeting } from "./greeting.js";


console.log(greeting("This page says where we began and what came after."));
document.querySelector("p").onclick = async () => (await import("./version.js")).show();
