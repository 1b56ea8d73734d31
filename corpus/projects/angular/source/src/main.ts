import { provideRouter } from "@angular/router";
import { bootstrapApplication } from "@angular/platform-browser";
import { provideServiceWorker } from "@angular/service-worker";
import { App } from "./app/app";
import { Home } from "./app/home";

bootstrapApplication(App, {
  providers: [
    provideServiceWorker("ngsw-worker.js"),
    provideRouter([
      { path: "", component: Home },
      { path: "about", loadComponent: () => import("./app/about").then((module) => module.About) },
      { path: "posts/:slug", loadComponent: () => import("./app/post").then((module) => module.Post) },
    ]),
  ],
});
