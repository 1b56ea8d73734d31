import { greeting } from "./greeting.js";

onmessage = (event) => postMessage(greeting(event.data));
