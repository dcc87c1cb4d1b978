// Keeps the page for when there is no network, and gives it the headers that threads need. The build writes before this
// file what it is of: VERSION, HEADERS, and the page's FILES: those that it begins with, and LATER those that it paints with.

/* global VERSION, HEADERS, FILES, LATER */

const keep = async (names, settings) => {
  const cache = await caches.open(VERSION)
  const missing = await Promise.all(names.map(async name => ((await cache.match(name)) ? [] : [new Request(name, settings)])))
  await cache.addAll(missing.flat())
}

addEventListener('install', event => event.waitUntil(keep(FILES, { cache: 'reload' }).then(() => skipWaiting())))

addEventListener('activate', event => {
  const cleaned = async () => {
    for (const name of await caches.keys()) if (name.startsWith('impasto ') && name !== VERSION) await caches.delete(name)
    await clients.claim()
  }
  event.waitUntil(cleaned())
})

addEventListener('message', event => event.waitUntil(keep(LATER)))

addEventListener('fetch', event => {
  if (event.request.method !== 'GET' || !event.request.url.startsWith(registration.scope)) return
  event.respondWith(answered(event))
})

async function answered({ request }) {
  const cache = await caches.open(VERSION)
  let answer = await cache.match(request, { ignoreSearch: true })
  if (!answer) {
    answer = await fetch(request)
    if (answer.ok) await cache.put(request, answer.clone())
  }
  const headers = new Headers(answer.headers)
  for (const [name, value] of Object.entries(HEADERS)) headers.set(name, value)
  return new Response(answer.body, { status: answer.status, statusText: answer.statusText, headers })
}
