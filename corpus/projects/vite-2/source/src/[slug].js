import styles from "./card.module.css";

export async function show() {
  document.body.classList.add(styles.card);
  const { version } = await (await fetch("/data/version.json")).json();
  document.title = `Version ${version}`;
}
