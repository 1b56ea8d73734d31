import styles from "./Card.module.css";
import { greeting } from "./greeting.js";

export default function Card({ name }) {
  return <div className={styles.card}>{greeting(name)}</div>;
}
