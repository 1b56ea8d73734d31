import { greeting } from "./greeting.js";


console.log(greeting("This page says where we began."));
document.querySelector("p").onclick = async () => (await import("./version.js")).show();
