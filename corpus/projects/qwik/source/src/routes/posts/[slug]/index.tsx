import { component$, useSignal } from '@builder.io/qwik'
import { useLocation, type StaticGenerateHandler } from '@builder.io/qwik-city'
export default component$(() => {
  const liked = useSignal(false)
  return <h1 onClick$={() => { liked.value = !liked.value }}>Post {useLocation().params.slug} {liked.value ? '♥' : ''}</h1>
})
export const onStaticGenerate: StaticGenerateHandler = () => ({ params: [{ slug: 'one' }, { slug: 'two' }] })
