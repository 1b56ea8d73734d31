"use client";
import styles from "./card.module.css";

export default function Greeting({ name }) {
  return <div className={styles.card}>Good day, {name}. It is {new Date().toLocaleDateString()}.</div>;
}
