import { component$ } from '@builder.io/qwik'
import { QwikCityProvider, RouterOutlet } from '@builder.io/qwik-city'
import './global.css'
export default component$(() => (
  <QwikCityProvider>
    <head><meta charset="utf-8" /><title>Qwik</title></head>
    <body lang="en"><RouterOutlet /></body>
  </QwikCityProvider>
))
