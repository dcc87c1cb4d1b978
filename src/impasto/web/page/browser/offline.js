// Keeps the page for when there is no network, and gives it the headers that threads need. The build writes before this
// file what it is of: FILES, VERSION and HEADERS.

/* global FILES, VERSION, HEADERS */

addEventListener('install', event => {
  const kept = async () => {
    const cache = await caches.open(VERSION)
    await cache.addAll(FILES.map(name => new Request(name, { cache: 'reload' })))
    await skipWaiting()
  }
  event.waitUntil(kept())
})

addEventListener('activate', event => {
  const cleaned = async () => {
    for (const name of await caches.keys()) if (name.startsWith('impasto ') && name !== VERSION) await caches.delete(name)
    await clients.claim()
  }
  event.waitUntil(cleaned())
})

addEventListener('fetch', event => {
  if (event.request.method !== 'GET' || !event.request.url.startsWith(registration.scope)) return
  const found = async () => {
    const answer = (await caches.match(event.request, { ignoreSearch: true })) ?? (await fetch(event.request))
    const headers = new Headers(answer.headers)
    for (const [name, value] of Object.entries(HEADERS)) headers.set(name, value)
    return new Response(answer.body, { status: answer.status, statusText: answer.statusText, headers })
  }
  event.respondWith(found())
})
