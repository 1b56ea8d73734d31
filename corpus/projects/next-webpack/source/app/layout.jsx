import "./main.css";

export const metadata = { title: "Next", manifest: "/site.webmanifest", openGraph: { images: "https://example.com/assets/banner-Summer24.jpg" } };

export default function Layout({ children }) {
  return (
    <html lang="en">
      <head>
        <script src="/assets/vendor-a1b2c3d4.js" async />
      </head>
      <body>
        {children}
        <img src="/logo-deadbeef.png" alt="" />
        <img src="/assets/photo-a1b2c3d4.jpg" alt="" />
        <a href="/brochure-DOWNLOAD.pdf">Brochure</a>
      </body>
    </html>
  );
}
