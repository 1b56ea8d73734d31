import { lazy, Suspense } from "react";
import Layout from "@theme/Layout";
import small from "./small.png";
import large from "./large.png";
import styles from "./index.module.css";

const Card = lazy(() => import("../components/Card.jsx"));

export default function Home() {
  return (
    <Layout title="Home">
      <h1 className={styles.title}>Home</h1>
      <img src={small} srcSet={`${small} 60w, ${large} 80w`} alt="" />
      <img src="/docs/logo-deadbeef.png" alt="" />
      <Suspense><Card /></Suspense>
    </Layout>
  );
}
