import { lazy, StrictMode, Suspense } from "react";
import { createRoot } from "react-dom/client";
import Home from "./pages/Home.jsx";
import "./main.css";

const pages = {
  "/about": lazy(() => import("./pages/About.jsx")),
  "/post": lazy(() => import("./pages/[slug].jsx")),
  "/user": lazy(() => import("./pages/user.$name.jsx")),
};

function App() {
  const Page = pages[location.pathname] ?? Home;
  return (
    <Suspense fallback="…">
      <Page />
      <img src="/logo-deadbeef.png" alt="" />
      <img src="/assets/photo-a1b2c3d4.jpg" alt="" />
      <a href="/brochure-DOWNLOAD.pdf">Brochure</a>
    </Suspense>
  );
}

createRoot(document.getElementById("root")).render(
  <StrictMode>
    <App />
  </StrictMode>,
);
