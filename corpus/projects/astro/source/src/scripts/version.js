import { greeting } from "./greeting.js";

export async function show(text) {
  const { version } = await (await fetch("/data/version.json")).json();
  document.title = `${text} ${greeting(version)}`;
}
