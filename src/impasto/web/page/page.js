// Pictures of one drop are sent one after the other, each with the whole of the server's limit, and a refusal is
// passed on in the server's words.
const send = window.fetch
window.fetch = async (address, how) => {
  const url = String(address?.url ?? address)
  // gradio's page reads answers from one stream, which its server closes when nothing is left to say. Whatever is
  // asked at that very moment would be answered into a stream that is about to be closed, and never heard: so the page
  // learns that it may listen only after it has learned that the last stream is over.
  if (/\/gradio_api\/queue\/join(\?|$)/.test(url)) {
    const answer = await send(address, how)
    await new Promise(done => setTimeout(done, 100))
    return answer
  }
  if (how?.method !== 'POST' || !/\/gradio_api\/upload(\?|$)/.test(url) || !(how.body instanceof FormData)) {
    return send(address, how)
  }
  const paths = []
  for (const file of how.body.getAll('files')) {
    const body = new FormData()
    body.append('files', file)
    const answer = await send(address, {...how, body})
    if (!answer.ok) {
      const problem = await answer.json().catch(() => ({}))
      return new Response(problem.detail ?? 'the upload failed', {status: answer.status})
    }
    paths.push(...await answer.json())
  }
  return Response.json(paths)
}

// What happens is said aloud; gradio draws these places, and knows nothing of that. It puts this script into the page
// when the document has long been loaded.
const announce = () => {
  for (const note of document.querySelectorAll('.note:not([aria-live])')) {
    note.setAttribute('role', 'status')
    note.setAttribute('aria-live', 'polite')
  }
}
announce()
new MutationObserver(announce).observe(document.documentElement, {childList: true, subtree: true})

// On a phone the painting is far below the button.
document.addEventListener('click', event => {
  const button = event.target.closest?.('#paint, #compare')
  const note = button && document.querySelector(`#${button.id === 'paint' ? 'note' : 'compare-note'}`)
  if (note && note.getBoundingClientRect().top > innerHeight * 0.9) note.scrollIntoView({block: 'start'})
})
