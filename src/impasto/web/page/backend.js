// Who paints. The page asks nothing else, so that whatever has these functions can take the server's place:
//
// open()                        → {wantsKey, signedIn}
// signIn(key), signOut()        only where a key is wanted
// offer()                       → {methods, options, limits, video}, as GET /v1/methods has them
// styles()                      → [{name, thumbnail, encoded, title?, artist?, year?}]
// photos()                      → [{name, picture, thumbnail}]: addresses of pictures to begin with
// paint(wish, watch)            → {blob, seconds, stopped, message}
//   wish: {photo, styles: [{name} or {blob}], masks: [Blob or null, ...], options: {name: value}, keep}
//   watch: {signal, progress({status, position, wait, left, step, total}), preview(address)}; all may be missing
//   keep: whether `encoded` will be asked for it
// encoded(painting, format)     → Blob: a painting as jpeg or webp, if it can still be had
// look(wish, place, watch)      → Blob: where a place of the photo looks; place: [x, y] in percent
// sendVideo(clip)               → {width, height, seconds, fps, largest_size}; where the offer has `video`
// paintVideo(wish, watch)       → as of `paint`, and the number of its frames; wish: {clip, styles, options}
// leave()                       lets go of everything of this visit
//
// They reject with a Refusal.

export { server as backend } from './server.js'
