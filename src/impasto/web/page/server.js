// Painting by `impasto serve`, through its public API.

import { Refusal } from './refusal.js'

const uploads = new WeakMap() // {Blob: promise of what the server says of it}
const held = new Set() // ids of jobs and uploads that the server may still have

async function ask(method, path, body, headers = {}) {
  let answer
  try {
    answer = await fetch(path, { method, body, headers })
  } catch {
    throw new Refusal('unreachable', 'the server cannot be reached')
  }
  if (answer.ok) return answer
  const problem = await answer.json().catch(() => ({}))
  const after = Number(answer.headers.get('Retry-After')) || null
  throw new Refusal(problem.code ?? 'internal', problem.detail ?? `the server answered ${answer.status}`, after, answer.status)
}

const json = async (method, path, body, headers) => (await ask(method, path, body, headers)).json()
const said = body => [JSON.stringify(body), { 'Content-Type': 'application/json' }]

function sent(blob, path) {
  if (!uploads.has(blob)) {
    const about = json('POST', path, blob, { 'Content-Type': 'application/octet-stream' }).then(found => {
      held.add(found.id)
      return found
    })
    about.catch(() => uploads.delete(blob))
    uploads.set(blob, about)
  }
  return uploads.get(blob)
}

const uploaded = async blob => (await sent(blob, 'v1/uploads')).id
const sentVideo = blob => sent(blob, 'v1/videos')

async function form(wish) {
  const fields = new FormData()
  fields.append('content', wish.clip ? (await sentVideo(wish.clip)).id : await uploaded(wish.photo))
  for (const style of wish.styles ?? []) fields.append('style', style.name ?? (await uploaded(style.blob)))
  for (const mask of wish.masks ?? []) fields.append('mask', mask ?? 'rest')
  for (const [name, value] of Object.entries(wish.options ?? {})) fields.append(name, value)
  return fields
}

// The job that a wish becomes. What the server has let go of meanwhile is sent once more.
async function submitted(path, wish, more = {}) {
  for (let attempt = 0; ; attempt++) {
    const fields = await form(wish)
    for (const [name, value] of Object.entries(more)) fields.append(name, value)
    try {
      return await json('POST', path, fields, { Prefer: 'respond-async' })
    } catch (error) {
      if (error.code !== 'no-such-upload' || attempt) throw error
      for (const blob of [wish.photo, wish.clip, ...(wish.styles ?? []).map(style => style.blob)]) if (blob) uploads.delete(blob)
    }
  }
}

const ENDS = ['done', 'failed', 'cancelled']

// Follows a job to its end; stopping it is not its end, as there may be something to show.
function followed(job, { signal, progress, preview } = {}) {
  return new Promise((resolve, reject) => {
    const events = new EventSource(`v1/jobs/${job.id}/events?previews=${Boolean(preview)}`)
    const stop = () => ask('DELETE', `v1/jobs/${job.id}`).catch(() => {})
    const end = (settle, value) => {
      events.close()
      signal?.removeEventListener('abort', stop)
      settle(value)
    }
    if (signal?.aborted) stop()
    signal?.addEventListener('abort', stop)
    events.addEventListener('job', event => {
      const now = JSON.parse(event.data)
      if (ENDS.includes(now.status)) return end(resolve, now)
      progress?.({
        status: now.status, position: now.position, wait: now.wait_seconds, left: now.seconds_left, step: now.step,
        total: now.total, fps: now.fps,
      })
    })
    events.addEventListener('preview', event => preview?.(event.data))
    events.addEventListener('gone', () => end(resolve, { status: 'cancelled' }))
    events.addEventListener('error', () => {
      // By itself it tries again, unless the server refuses.
      if (events.readyState === EventSource.CLOSED) end(reject, new Refusal('unreachable', 'the job cannot be followed'))
    })
  })
}

const forget = ids => {
  for (const id of ids) held.delete(id)
  return ask('POST', 'v1/forget', ...said({ ids })).catch(() => {})
}

async function outcome(path, wish, watch, more) {
  const job = await submitted(path, wish, more)
  held.add(job.id)
  watch?.accepted?.()
  const ended = await followed(job, watch)
  if (!ended.has_result) {
    forget([job.id])
    if (ended.status === 'cancelled') throw new Refusal('cancelled', 'cancelled')
    throw new Refusal(ended.failure?.code ?? 'internal', ended.failure?.message ?? 'it failed')
  }
  const blob = await (await ask('GET', `v1/jobs/${job.id}/result`)).blob()
  if (!wish.keep) forget([job.id])
  return { id: job.id, blob, seconds: ended.seconds, stopped: ended.status !== 'done', message: ended.failure?.message, frames: ended.step }
}

export const server = {
  slowFrom: 2,
  async open() {
    const found = await json('GET', 'v1/session')
    return { wantsKey: found.wants_key, signedIn: found.signed_in }
  },
  signIn: key => ask('POST', 'v1/session', ...said({ key })),
  signOut: () => ask('DELETE', 'v1/session'),
  offer: () => json('GET', 'v1/methods'),
  styles: async () => (await json('GET', 'v1/styles')).styles,
  photos: async () => (await json('GET', 'v1/photos')).photos,
  paint: (wish, watch) => outcome('v1/stylize', wish, watch),
  sendVideo: sentVideo,
  paintVideo: (wish, watch) => outcome('v1/stylize-video', wish, watch),
  look: async (wish, [x, y], watch) => (await outcome('v1/attention', wish, watch, { x, y })).blob,
  encoded: async (painting, format) => (await ask('GET', `v1/jobs/${painting.id}/result?format=${format}`)).blob(),
  leave() {
    if (held.size) navigator.sendBeacon('v1/forget', new Blob([said({ ids: [...held] })[0]], { type: 'application/json' }))
    held.clear()
  },
}
