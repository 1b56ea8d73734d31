import { Component, h, State } from '@stencil/core'
import { sum } from '../shared'
@Component({ tag: 'app-root', styleUrl: 'app-root.css', shadow: true })
export class AppRoot {
  @State() about = false
  render() {
    return <main><h1>Home, second edition {sum(1, 2)}</h1><button onClick={() => { this.about = true }}>About</button><img src="/assets/Hero.PNG" alt="" />{this.about && <app-about></app-about>}</main>
  }
}
