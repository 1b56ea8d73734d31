import { Component } from "@angular/core";
import { RouterLink, RouterOutlet } from "@angular/router";

@Component({
  selector: "corpus-root",
  imports: [RouterLink, RouterOutlet],
  template: `
    <a routerLink="/">Home</a> <a routerLink="/about">About</a> <a routerLink="/posts/one">One</a>
    <router-outlet />
    <img src="logo-deadbeef.png" alt="" /> <img src="assets/photo-a1b2c3d4.jpg" alt="" />
    <a href="brochure-DOWNLOAD.pdf">Brochure</a>
  `,
})
export class App {}
