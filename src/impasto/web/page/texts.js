// Every sentence of the page, in every language that it speaks. Another language is another object with the same keys
// and the same {places}. What options mean, the server says; here stand only their names in other languages.

const ENGLISH = {
  skip: 'To the picture',
  tabs: 'What to do',
  'tab-paint': 'Paint',
  'tab-styles': 'Styles',
  'tab-compare': 'Compare',
  'tab-explore': 'Explore',
  theme: 'Light or dark',
  'sign-out': 'Sign out',
  door: 'This server is for those who have a key.',
  key: 'Key',
  'sign-in': 'Sign in',
  // The photo.
  'photo-invite': 'Begin with a photo',
  'photo-how': 'Drop it anywhere, paste it, or',
  'photo-choose': 'Choose a photo',
  'photo-camera': 'Camera',
  'photo-samples': 'or try one of these',
  'photo-sample': 'Photo: {name}',
  'photo-change': 'Change photo',
  'photo-size': '{width} × {height}',
  'photo-alt': 'The photo',
  'photo-smaller': 'This server paints it at {size} pixels.',
  'photo-unseen': 'Browsers do not show this kind of picture, but it can be painted.',
  'photo-no-picture': 'This is no picture.',
  'photo-too-many-bytes': 'The photo has more than {limit} MB, which is the limit here.',
  'photo-too-many-pixels': 'The photo has more than {limit} megapixels, which is the limit here.',
  'camera-take': 'Take the photo',
  'camera-none': 'There is no camera that may be used.',
  close: 'Close',
  // The stage.
  stage: 'The picture',
  'painting-alt': 'The painting',
  'preview-alt': 'The painting so far',
  uncover: 'How much of the photo is uncovered',
  'zoom-full': '100 %',
  // Styles.
  style: 'Style',
  mix: 'Mix several',
  'mix-most': 'At most {count} styles can be mixed.',
  own: 'Your painting',
  'own-remove': 'Remove {name}',
  where: 'Where they go',
  'where-all': 'everywhere, by weight',
  'where-places': 'where I paint',
  weight: 'Weight of {name}',
  'needs-painting': 'Of this painting only the style is known; this way of painting needs a picture of it.',
  'mask-of': 'Where {name} goes',
  'mask-canvas': 'Where {name} goes: paint with the pointer, or move with the arrow keys and paint with the space bar',
  'mask-rest': 'A style without a place goes everywhere else.',
  'mask-brush': 'Brush',
  'mask-soft': 'Soft edge',
  'mask-rub': 'Rub out',
  'mask-undo': 'Undo',
  'mask-clear': 'Clear',
  'mask-none': 'Paint where the styles go, or have them everywhere.',
  'mask-one-rest': 'Only one style can go where nothing is painted; paint places for the others.',
  // Ways.
  way: 'How',
  'way-instant': 'Instant',
  'way-finer': 'Finer',
  'way-finer-time': 'seconds',
  'way-finest': 'Finest',
  'way-finest-time': 'minutes',
  'way-monet': 'In Monet’s manner',
  'way-gatys': 'From scratch',
  'way-gatys-time': 'minutes',
  // Options.
  options: 'Options',
  everything: 'Everything else',
  'group-refinement': 'Refinement',
  'as-default': 'as usual',
  'reset-options': 'All as usual',
  again: 'Settings of an earlier painting',
  'again-how': 'A painting by impasto carries its settings.',
  'again-choose': 'Choose a painting',
  'again-done': 'The settings are taken over.',
  'again-but': 'The settings are taken over, but not {what}, which this server does not have.',
  'again-none': 'This picture carries no settings: impasto has not painted it, or they were stripped.',
  // Painting.
  paint: 'Paint',
  stop: 'Stop',
  'no-photo': 'Choose a photo first.',
  'no-style': 'Choose a style first.',
  sending: 'Sending …',
  next: 'Next in line; it begins in about {wait}.',
  queue: '{position} before yours, which begins in about {wait}.',
  painting: 'Painting …',
  'painting-left': 'Painting, about {left} left …',
  'painting-step': 'Painting, step {step} of {total} …',
  'painting-step-left': 'Painting, step {step} of {total}, about {left} left …',
  painted: 'Painted in {seconds}.',
  stopped: 'Stopped.',
  'stopped-best': 'Stopped. This is the best so far.',
  'best-so-far': '{why} This is the best so far.',
  save: 'Save',
  format: 'Format',
  'bits-16': '{format}, 16 bit',
  visit: 'This visit',
  'visit-show': 'Show {caption}',
  // Many photos.
  many: 'Many photos at once',
  'many-how': 'All are painted as chosen above.',
  'many-choose': 'Choose photos',
  'many-count': 'Photos: {count}',
  'many-save': 'Save',
  'many-each': 'each as it is done',
  'many-zip': 'in one zip',
  'many-format': 'as',
  'many-go': 'Paint all',
  'many-none': 'Choose photos first.',
  'many-progress': '{done} of {count} are painted …',
  'many-done': '{done} of {count} photos are painted.',
  'many-failed': 'Not painted: {count}',
  // Styles.
  'sheet-title': 'Every style',
  'sheet-how': 'Click one to paint your photo in it.',
  'sheet-paint': 'Show my photo in all of them',
  'sheet-progress': '{done} of {count} …',
  'sheet-done': 'Your photo in {count} styles.',
  // Compare.
  'compare-how': 'The same photo in the same style, painted in several ways.',
  'compare-ways': 'Ways',
  'compare-size': 'Size in pixels',
  'compare-go': 'Compare',
  'compare-none': 'Choose at least one way.',
  'compare-progress': '{name}: {what}',
  'compare-done': '{count} side by side.',
  'compare-save': 'Save the painting: {name}',
  // Explore.
  'explore-how': 'Click a place of the photo: the painting stays bright where the network finds the same thing, and a ring marks the best match.',
  'explore-none': 'Here is no method whose attention can be shown.',
  'explore-layer': 'What is compared',
  'explore-x': 'From the left, %',
  'explore-y': 'From the top, %',
  'explore-go': 'Look from this place',
  'explore-photo': 'The photo: click a place, or move it with the arrow keys',
  'explore-begin': 'Choose a photo to begin.',
  looking: 'Looking …',
  looked: 'Click another place, or change what is compared.',
  'looked-alt': 'Bright where the place looks',
  'layer-relu1_1': 'colours and edges',
  'layer-relu2_1': 'fine texture',
  'layer-relu3_1': 'patterns',
  'layer-relu4_1': 'parts of things, as painting does',
  'layer-relu5_1': 'whole things',
  'layer-within': '{method}, {direction}: in the photo itself',
  seconds: '{count} s',
  minutes: '{count} min',
  // What goes wrong.
  'try-again': '{why} Try again in {wait}.',
  'error-unreachable': 'The server cannot be reached.',
  'error-key': 'This is not a key of this server.',
  'error-internal': 'Something went wrong inside impasto.',
  privacy: 'Pictures stay in the server’s memory while they are used, {minutes} at most after that, and are forgotten when you leave.',
}

const RUSSIAN = {
  skip: 'К картине',
  tabs: 'Что делать',
  'tab-paint': 'Рисовать',
  'tab-styles': 'Стили',
  'tab-compare': 'Сравнить',
  'tab-explore': 'Внимание',
  theme: 'Светлая или тёмная',
  'sign-out': 'Выйти',
  door: 'Этот сервер — для тех, у кого есть ключ.',
  key: 'Ключ',
  'sign-in': 'Войти',
  'photo-invite': 'Начните с фотографии',
  'photo-how': 'Перетащите её сюда, вставьте или',
  'photo-choose': 'Выбрать фото',
  'photo-camera': 'Камера',
  'photo-samples': 'или попробуйте одну из этих',
  'photo-sample': 'Фото: {name}',
  'photo-change': 'Другое фото',
  'photo-size': '{width} × {height}',
  'photo-alt': 'Фотография',
  'photo-smaller': 'Этот сервер рисует его не больше {size} пикселей.',
  'photo-unseen': 'Браузеры такие картинки не показывают, но нарисовать её можно.',
  'photo-no-picture': 'Это не картинка.',
  'photo-too-many-bytes': 'В фото больше {limit} МБ — это здесь предел.',
  'photo-too-many-pixels': 'В фото больше {limit} мегапикселей — это здесь предел.',
  'camera-take': 'Снять',
  'camera-none': 'Нет камеры, которой можно пользоваться.',
  close: 'Закрыть',
  stage: 'Картина',
  'painting-alt': 'Картина',
  'preview-alt': 'Картина в работе',
  uncover: 'Какая часть фотографии открыта',
  'zoom-full': '100 %',
  style: 'Стиль',
  mix: 'Смешать несколько',
  'mix-most': 'Смешать можно не больше стилей, чем {count}.',
  own: 'Ваша картина',
  'own-remove': 'Убрать: {name}',
  where: 'Где они',
  'where-all': 'везде, по весу',
  'where-places': 'там, где я закрашу',
  weight: 'Вес: {name}',
  'needs-painting': 'Об этой картине известен только стиль; для этого способа нужен её снимок.',
  'mask-of': 'Где будет {name}',
  'mask-canvas': 'Где будет {name}: закрашивайте указателем или двигайтесь стрелками и закрашивайте пробелом',
  'mask-rest': 'Стиль без места занимает всё остальное.',
  'mask-brush': 'Кисть',
  'mask-soft': 'Мягкий край',
  'mask-rub': 'Стирать',
  'mask-undo': 'Отменить',
  'mask-clear': 'Очистить',
  'mask-none': 'Закрасьте места для стилей или пусть они будут везде.',
  'mask-one-rest': 'Только один стиль может занять незакрашенное; закрасьте места для других.',
  way: 'Как',
  'way-instant': 'Сразу',
  'way-finer': 'Тоньше',
  'way-finer-time': 'секунды',
  'way-finest': 'Тоньше всего',
  'way-finest-time': 'минуты',
  'way-monet': 'В манере Моне',
  'way-gatys': 'С нуля',
  'way-gatys-time': 'минуты',
  options: 'Настройки',
  everything: 'Всё остальное',
  'group-refinement': 'Доработка',
  'as-default': 'как обычно',
  'reset-options': 'Всё как обычно',
  again: 'Настройки прежней картины',
  'again-how': 'Картина impasto несёт в себе свои настройки.',
  'again-choose': 'Выбрать картину',
  'again-done': 'Настройки взяты.',
  'again-but': 'Настройки взяты, кроме того, чего на этом сервере нет: {what}.',
  'again-none': 'В этой картинке нет настроек: её рисовал не impasto, или их удалили.',
  paint: 'Рисовать',
  stop: 'Стоп',
  'no-photo': 'Сначала выберите фото.',
  'no-style': 'Сначала выберите стиль.',
  sending: 'Отправляю …',
  next: 'Вы следующий; начну примерно через {wait}.',
  queue: 'Перед вами: {position}; начну примерно через {wait}.',
  painting: 'Рисую …',
  'painting-left': 'Рисую, осталось около {left} …',
  'painting-step': 'Рисую, шаг {step} из {total} …',
  'painting-step-left': 'Рисую, шаг {step} из {total}, осталось около {left} …',
  painted: 'Нарисовано за {seconds}.',
  stopped: 'Остановлено.',
  'stopped-best': 'Остановлено. Это лучшее, что успелось.',
  'best-so-far': '{why} Это лучшее, что успелось.',
  save: 'Сохранить',
  format: 'Формат',
  'bits-16': '{format}, 16 бит',
  visit: 'За это посещение',
  'visit-show': 'Показать: {caption}',
  many: 'Много фотографий сразу',
  'many-how': 'Все будут нарисованы так, как выбрано выше.',
  'many-choose': 'Выбрать фотографии',
  'many-count': 'Фотографий: {count}',
  'many-save': 'Сохранять',
  'many-each': 'каждую, как будет готова',
  'many-zip': 'одним архивом zip',
  'many-format': 'как',
  'many-go': 'Нарисовать все',
  'many-none': 'Сначала выберите фотографии.',
  'many-progress': 'Нарисовано {done} из {count} …',
  'many-done': 'Нарисовано фотографий: {done} из {count}.',
  'many-failed': 'Не нарисовано: {count}',
  'sheet-title': 'Все стили',
  'sheet-how': 'Нажмите на стиль, чтобы нарисовать в нём ваше фото.',
  'sheet-paint': 'Показать моё фото во всех',
  'sheet-progress': '{done} из {count} …',
  'sheet-done': 'Ваше фото; стилей: {count}.',
  'compare-how': 'Одно фото в одном стиле, нарисованное по-разному.',
  'compare-ways': 'Способы',
  'compare-size': 'Размер в пикселях',
  'compare-go': 'Сравнить',
  'compare-none': 'Выберите хотя бы один способ.',
  'compare-progress': '{name}: {what}',
  'compare-done': 'Рядом: {count}.',
  'compare-save': 'Сохранить картину: {name}',
  'explore-how': 'Нажмите на место в фото: картина останется яркой там, где сеть видит то же самое; кольцо — лучшее совпадение.',
  'explore-none': 'Здесь нет способа, внимание которого можно показать.',
  'explore-layer': 'Что сравнивается',
  'explore-x': 'Слева, %',
  'explore-y': 'Сверху, %',
  'explore-go': 'Смотреть отсюда',
  'explore-photo': 'Фотография: нажмите на место или двигайте его стрелками',
  'explore-begin': 'Для начала выберите фото.',
  looking: 'Смотрю …',
  looked: 'Нажмите на другое место или смените то, что сравнивается.',
  'looked-alt': 'Ярко там, куда смотрит место',
  'layer-relu1_1': 'цвета и края',
  'layer-relu2_1': 'мелкая фактура',
  'layer-relu3_1': 'узоры',
  'layer-relu4_1': 'части вещей, как при рисовании',
  'layer-relu5_1': 'вещи целиком',
  'layer-within': '{method}, {direction}: в самой фотографии',
  seconds: '{count} с',
  minutes: '{count} мин',
  'try-again': '{why} Попробуйте ещё раз через {wait}.',
  'error-unreachable': 'Сервер недоступен.',
  'error-key': 'Это не ключ этого сервера.',
  'error-internal': 'Внутри impasto что-то сломалось.',
  privacy: 'Картинки остаются в памяти сервера, пока нужны, и не дольше {minutes} после этого; когда вы уходите, они забываются.',
}

export const LANGUAGES = { en: ENGLISH, ru: RUSSIAN }

// Names of options and of their choices, where a language has other words than the server's.
const NAMES = {
  ru: {
    strength: 'Сила', colour: 'Цвета', preset: 'Набор настроек', size: 'Размер', seed: 'Зерно случайности',
    detail: 'Подробности', stroke: 'Ширина мазка', style_scale: 'Масштаб мазков', encoder: 'Сеть, которая смотрит',
    decoder: 'Сеть, которая рисует', refine: 'Шагов доработки', precision: 'Точность чисел', direction: 'Направление',
    style: 'цвета стиля', keep: 'цвета фото', match: 'подобранные', steps: 'Шаги', coarse_steps: 'Шаги на малых размерах',
    scales: 'Число размеров', content_weight: 'Вес содержания', style_weight: 'Вес стиля', attention_weight: 'Вес внимания',
    tv_weight: 'Вес гладкости', content_layers: 'Слои содержания', style_layers: 'Слои стиля', attention_layers: 'Слои внимания',
    default: 'обычный', draft: 'черновик', best: 'лучший', own: 'свои', on: 'включено', off: 'выключено', auto: 'само',
    init: 'С чего начать', optimizer: 'Оптимизатор', learning_rate: 'Скорость обучения', pooling: 'Объединение', filters: 'Фильтры',
  },
}

// What options mean, where a language has other words than the server's.
const MEANINGS = {
  ru: {
    strength: 'Сколько стиля: 0 — фото, 1 — как у картины, больше — с преувеличением',
    colour: 'Чьи цвета: стиля; фото — тогда рисуется только светлота; подобранные — мазки стиля в цветах фото',
    preset: 'Сколько времени потратить',
    size: 'Длинная сторона картины; если не сказано, как у фото',
    seed: 'Шума, с которого начинается картина',
    detail: 'Сколько мелких подробностей фото остаётся; 1 — все',
    stroke: 'Ширина мазка в долях короткой стороны картины',
    style_scale: 'Размер мазков: масштаб картины, с которой взят стиль',
    refine: 'Шаги доработки: медленнее и тоньше; 0 — как решает способ',
    precision: 'Формат чисел внутри сети; auto — bf16 там, где с ним быстрее',
    direction: 'Что во что превращается',
  },
}

export const meaning = (name, text) => MEANINGS[language]?.[name] ?? text

// What other errors are called, where the server's English is not enough.
const ERRORS = {
  ru: {
    'queue-full': 'Ждёт слишком много людей.',
    'too-many-jobs': 'Ваши картины ещё рисуются.',
    'too-often': 'Слишком часто.',
    'too-many-requests': 'Слишком много запросов сразу.',
    'too-large': 'Это больше, чем сервер может взять.',
    'not-a-picture': 'Это не картинка, которую можно прочитать.',
    PictureError: 'Картинку не удалось прочитать.',
    stopping: 'Сервер перезапускается.',
    unavailable: 'Сейчас сервер не может рисовать.',
    'time-limit': 'Это длилось дольше, чем разрешено.',
    'worker-died': 'Рисование прервалось.',
    OutOfMemoryError: 'Не хватает памяти; попробуйте размер поменьше.',
  },
}

const spoken = [localStorage.getItem('language'), ...navigator.languages.map(code => code.slice(0, 2)), 'en']
let language = spoken.find(code => code in LANGUAGES)

export const current = () => language

export function say(key, values = {}) {
  return LANGUAGES[language][key].replace(/\{(\w+)\}/g, (_, name) => values[name])
}

export const number = (value, how = {}) => new Intl.NumberFormat(language, { maximumSignificantDigits: 12, ...how }).format(value)

export function duration(seconds) {
  if (seconds >= 100) return say('minutes', { count: number(Math.round(seconds / 60)) })
  return say('seconds', { count: number(seconds < 3 ? Math.max(0.1, Math.round(10 * seconds) / 10) : Math.round(seconds)) })
}

const sentence = text => `${text[0].toUpperCase()}${text.slice(1).replace(/\.$/, '')}.`

// A Refusal, for a person.
export function sorry(error) {
  if (!error.code) throw error
  const own = `error-${error.code}`
  const why = own in ENGLISH ? say(own) : ERRORS[language]?.[error.code] ?? sentence(error.message)
  return error.after ? say('try-again', { why, wait: duration(error.after) }) : why
}

const words = text => text.replaceAll('_', ' ').replaceAll('-', ' ')

// A name of an option, a choice or a style, as words.
export const named = name => NAMES[language]?.[name] ?? words(name)
export const titled = name => named(name).replace(/^./, first => first.toUpperCase())

// Puts a text into an element, or into an attribute of it, where it follows the language.
export function put(element, key, values, attribute = '') {
  const known = placed.get(element) ?? new Map()
  placed.set(element, known.set(attribute, [key, values]))
  element.setAttribute('data-said', '')
  write(element, attribute, key, values)
}

const placed = new WeakMap()

function write(element, attribute, key, values) {
  const text = say(key, typeof values === 'function' ? values() : values)
  attribute ? element.setAttribute(attribute, text) : (element.textContent = text)
}

export function change(to) {
  language = to
  localStorage.setItem('language', to)
  translate()
}

// Everything that is on the page now, also what stands in its HTML.
export function translate() {
  document.documentElement.lang = language
  for (const element of document.querySelectorAll('[data-t], [data-t-label], [data-t-title]')) {
    const { t, tLabel, tTitle } = element.dataset
    if (t) put(element, t)
    if (tLabel) put(element, tLabel, {}, 'aria-label')
    if (tTitle) put(element, tTitle, {}, 'title')
  }
  for (const element of document.querySelectorAll('[data-said]')) {
    for (const [attribute, [key, values]] of placed.get(element) ?? []) write(element, attribute, key, values)
  }
  document.dispatchEvent(new Event('language'))
}
