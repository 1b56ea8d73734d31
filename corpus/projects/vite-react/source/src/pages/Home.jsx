import { useEffect, useState } from "react";
import small from "../small.png";
import large from "../large.png";
import CountingWorker from "../counting.worker.js?worker";

export default function Home() {
  const [version, setVersion] = useState("");
  useEffect(() => {
    fetch("/data/version.json").then((reply) => reply.json()).then((data) => setVersion(data.version));
    const worker = new CountingWorker();
    worker.postMessage("worker");
    return () => worker.terminate();
  }, []);
  return (
    <main>
      <h1>Home {version}</h1>
      <img src={small} srcSet={`${small} 60w, ${large} 80w`} alt="" />
    </main>
  );
}
