import * as styles from "./card.module.css";
import { greeting } from "./greeting.js";

export async function show() {
  document.body.classList.add(styles.card);
  const { version } = await (await fetch("/data/version.json")).json();
  document.title = greeting(version);
}
