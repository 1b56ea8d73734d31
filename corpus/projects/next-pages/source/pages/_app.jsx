import "../ui/main.css";

export default function App({ Component, pageProps }) {
  return (
    <>
      <Component {...pageProps} />
      <img src="/docs/logo-deadbeef.png" alt="" /> <img src="/docs/assets/photo-a1b2c3d4.jpg" alt="" />
      <a href="/docs/brochure-DOWNLOAD.pdf">Brochure</a>
    </>
  );
}
