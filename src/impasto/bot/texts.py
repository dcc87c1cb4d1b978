"""Every sentence that a user of the bot reads, in every language that it speaks.

Another language is another dictionary with the same keys and the same {places}, and its line in `LANGUAGES`.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

ENGLISH = {
    # Commands.
    "start": (
        "I turn photos into paintings. Send me a photo, then a painting whose style I shall use, or choose one of mine."
    ),
    "help": (
        "Send me a photo, then the style: a picture of a painting, or one of mine (/styles).\n\n"
        "• An album is painted in one style; of an album of two pictures, one may be the style.\n"
        "• A picture with the caption “style” is the style. The caption may also name one of mine.\n"
        "• Telegram makes photos small. Send the photo as a file, and you get a file at full size.\n"
        "• Under a painting are buttons to paint it again, a little differently.\n\n"
        "/styles shows my paintings\n/settings changes how I paint\n/cancel stops and forgets\n"
        "/privacy says what becomes of your pictures"
    ),
    "privacy": (
        "Your pictures stay on Telegram's servers. I fetch them when I paint, and let go of them when the painting is"
        " done; nothing of them is on my disk. I remember your settings and, for up to {hours}, which pictures you"
        " sent, so that the buttons work. A painting carries how it was made, and no place, camera or name. /cancel"
        " forgets the pictures, the button below everything."
    ),
    "films": (
        "Short films are painted, too: a video, a GIF, a video message. A photo or a button after it says the style."
    ),
    "privacy-films": "A film lies on my disk while I paint it, and is gone afterwards.",
    "forgotten-all": "I have forgotten everything about you.",
    "cancelled-all": "I have stopped, and forgotten your pictures.",
    "command-start": "what I do",
    "command-styles": "my paintings",
    "command-settings": "how I paint",
    "command-cancel": "stop, and forget the pictures",
    "command-help": "how it works",
    "command-privacy": "what becomes of your pictures",
    # Questions.
    "which-style": "Now the style: send me a painting, or choose one of these.",
    "which-style-many": "{count} photos. Now the style for all of them: send me a painting, or choose one of these.",
    "which-photo": "Now the photo that I shall paint in this style.",
    "which-is-which": "Two pictures. Which one is the style?",
    "style-is-first": "The first is the style",
    "style-is-second": "The second is the style",
    "style-is-none": "Paint both",
    "styles": "Choose one, and send me a photo.",
    "settings": "How I paint from now on. Press one to change it.",
    # While it is painted.
    "one-moment": "One moment …",
    "fetching": "I fetch the pictures …",
    "waiting": "{before} before you; it begins in about {wait}.",
    "next": "You are next; it begins in about {wait}.",
    "painting": "I paint …",
    "painting-part": "I paint … {percent} %",
    "painting-film": "I paint … frame {step} of {total}, {fps} a second, about {left} left",
    "sending": "I send it …",
    "of-several": "{number} of {count}: {text}",
    "again-after-restart": "I was restarted, and paint this again …",
    "button-cancel": "Stop",
    # When it is done.
    "painted": "{style} · {settings}",
    "painted-smaller": "{style} · {settings} · at {width} × {height}, as more would be too large for me",
    "painted-halfway": "{style} · {settings} · as far as I got in {limit}",
    "painted-several": "{count} paintings: {style} · {settings}",
    "your-style": "your painting",
    "weaker": "Weaker",
    "stronger": "Stronger",
    "refine": "Refine",
    "another-style": "Another style",
    "colour-style": "The style's colours",
    "colour-keep": "The photo's colours",
    "colour-match": "Matched colours",
    "set-method": "method: {method}",
    "set-strength": "strength {percent} %",
    "set-colour-style": "the style's colours",
    "set-colour-keep": "the photo's colours",
    "set-colour-match": "matched colours",
    "set-style_scale": "brush × {factor}",
    "set-refine": "{steps} steps of refinement",
    "set-refine-none": "no refinement",
    # When it goes wrong.
    "stopped": "Stopped.",
    "retry": "Try again",
    "full": "Too many people wait. Please try again in {wait}.",
    "busy": "I still paint for you. Please try again in {wait}, when there is room.",
    "stopping": "I am being restarted. I go on with this as soon as I am back.",
    "unavailable": "I cannot paint just now. Please try again in {wait}.",
    "too-large": "This is more than I can take ({limit} MB or {megapixels} megapixels). Send it smaller, please.",
    "too-large-file": "Telegram lets me fetch only files up to {limit} MB. Send it smaller, or as a photo, please.",
    "too-large-result": "The painting has more than the {limit} MB that Telegram lets me send. Send the photo smaller.",
    "broken-photo": "I cannot read the photo: it is damaged, or of a kind that I don't know. Send another one, please.",
    "too-large-clip": "Telegram lets me fetch only films up to {limit} MB. Send a shorter or a smaller one, please.",
    "too-large-film": "This film is more than I can take ({limit} MB, or {megapixels} megapixels a frame).",
    "too-long": "I paint films of up to {limit}. Send a shorter one, please.",
    "broken-video": "I cannot read the film: it is damaged, or of a kind that I don't know. Send another one, please.",
    "broken-style": "I cannot read the style: it is damaged, or of a kind that I don't know. Send another one, please.",
    "broken-some": "I could not read {numbers}.",
    "no-memory": "My memory is too small for this. Send a smaller photo, please.",
    "time-limit": "This took longer than {limit}, so I have stopped. Try it without refinement, or smaller.",
    "failed": "Something went wrong while I painted. Try again, or with another picture.",
    "no-file": "Telegram does not give me this picture any more. Send it again, please.",
    "no-telegram": "I could not reach Telegram to fetch or to send it. Try again, please.",
    "too-often-killed": "I have tried this twice and was interrupted each time. Try again, or send it smaller.",
    "lost-again": "I have forgotten what this was about. Send the photo again, please.",
    "no-such-style": "This style is not here any more. /styles shows those that are.",
    "needs-painting": (
        "Of this painting I know only the style: for refinement, matched colours or another brush, send me a picture of"
        " it. /settings changes how I paint."
    ),
    "not-text": "I understand only pictures. Send me a photo; /help says how it goes.",
    "not-sticker": "A sticker is too small to be painted. Send me a photo, please.",
    "not-video": "I cannot paint moving pictures. Send me a photo, please.",
    "not-picture": "This is no picture that I can read. Send me a photo, or a JPEG, PNG, WebP or TIFF file.",
    "not-allowed": "This bot is private. Its owner can let you in; your number is {number}.",
    "only-private": "Please write to me in private.",
    "broken": "Something went wrong on my side. Please try again.",
    "forget-all": "Forget everything about me",
    # Durations.
    "seconds": "{count} s",
    "minutes": "{count} min",
    "hours": "{count} h",
}

RUSSIAN = {
    "start": (
        "Я превращаю фотографии в картины. Пришлите фото, а потом картину, стиль которой мне взять, или выберите одну"
        " из моих."
    ),
    "help": (
        "Пришлите фото, а потом стиль: снимок картины или одну из моих (/styles).\n\n"
        "• Альбом рисуется в одном стиле; из альбома в две картинки одна может быть стилем.\n"
        "• Картинка с подписью «стиль» — это стиль. В подписи можно назвать и одну из моих картин.\n"
        "• Telegram уменьшает фотографии. Пришлите фото файлом — получите файл в полном размере.\n"
        "• Под картиной есть кнопки, чтобы нарисовать её ещё раз, немного иначе.\n\n"
        "/styles — мои картины\n/settings — как я рисую\n/cancel — остановиться и забыть\n"
        "/privacy — что будет с вашими фотографиями"
    ),
    "privacy": (
        "Ваши фотографии остаются на серверах Telegram. Я беру их, когда рисую, и отпускаю, когда картина готова; на"
        " моём диске от них ничего нет. Я помню ваши настройки и, до {hours}, какие картинки вы прислали, чтобы"
        " работали кнопки. Картина несёт в себе то, как она сделана, но ни места, ни камеры, ни имени. /cancel"
        " забывает картинки, кнопка ниже — всё."
    ),
    "films": "Рисую и короткие видео: ролик, GIF, видеосообщение. Стиль — фото или кнопка после него.",
    "privacy-films": "Видео лежит на моём диске, пока я его рисую, а потом исчезает.",
    "forgotten-all": "Я забыл о вас всё.",
    "cancelled-all": "Я остановился и забыл ваши картинки.",
    "command-start": "что я умею",
    "command-styles": "мои картины",
    "command-settings": "как я рисую",
    "command-cancel": "остановиться и забыть картинки",
    "command-help": "как это работает",
    "command-privacy": "что будет с вашими фотографиями",
    "which-style": "Теперь стиль: пришлите картину или выберите одну из этих.",
    "which-style-many": "Фотографий: {count}. Теперь один стиль для всех: пришлите картину или выберите одну из этих.",
    "which-photo": "Теперь фото, которое мне нарисовать в этом стиле.",
    "which-is-which": "Две картинки. Какая из них — стиль?",
    "style-is-first": "Стиль — первая",
    "style-is-second": "Стиль — вторая",
    "style-is-none": "Нарисовать обе",
    "styles": "Выберите одну и пришлите фото.",
    "settings": "Так я буду рисовать. Нажмите, чтобы изменить.",
    "one-moment": "Минутку …",
    "fetching": "Беру картинки …",
    "waiting": "Перед вами: {before}; начну примерно через {wait}.",
    "next": "Вы следующий; начну примерно через {wait}.",
    "painting": "Рисую …",
    "painting-part": "Рисую … {percent} %",
    "painting-film": "Рисую … кадр {step} из {total}, {fps} в секунду, осталось около {left}",
    "sending": "Отправляю …",
    "of-several": "{number} из {count}: {text}",
    "again-after-restart": "Меня перезапустили, рисую это ещё раз …",
    "button-cancel": "Стоп",
    "painted": "{style} · {settings}",
    "painted-smaller": "{style} · {settings} · {width} × {height}: больше мне не по силам",
    "painted-halfway": "{style} · {settings} · сколько успел за {limit}",
    "painted-several": "Картин: {count} · {style} · {settings}",
    "your-style": "ваша картина",
    "weaker": "Слабее",
    "stronger": "Сильнее",
    "refine": "Доработать",
    "another-style": "Другой стиль",
    "colour-style": "Цвета стиля",
    "colour-keep": "Цвета фото",
    "colour-match": "Подобранные цвета",
    "set-method": "метод: {method}",
    "set-strength": "сила {percent} %",
    "set-colour-style": "цвета стиля",
    "set-colour-keep": "цвета фото",
    "set-colour-match": "подобранные цвета",
    "set-style_scale": "кисть × {factor}",
    "set-refine": "шагов доработки: {steps}",
    "set-refine-none": "без доработки",
    "stopped": "Остановлено.",
    "retry": "Ещё раз",
    "full": "Ждёт слишком много людей. Попробуйте ещё раз через {wait}.",
    "busy": "Я ещё рисую для вас. Попробуйте ещё раз через {wait}, когда будет место.",
    "stopping": "Меня перезапускают. Я продолжу, как только вернусь.",
    "unavailable": "Сейчас я не могу рисовать. Попробуйте ещё раз через {wait}.",
    "too-large": "Это больше, чем я могу взять ({limit} МБ или {megapixels} мегапикселей). Пришлите меньше.",
    "too-large-file": "Telegram даёт мне только файлы до {limit} МБ. Пришлите меньше или как фото.",
    "too-large-result": "Картина больше {limit} МБ, которые Telegram даёт мне отправить. Пришлите фото поменьше.",
    "broken-photo": "Не могу прочитать фото: оно повреждено или незнакомого мне вида. Пришлите другое.",
    "too-large-clip": "Telegram даёт мне только видео до {limit} МБ. Пришлите покороче или поменьше.",
    "too-large-film": "Это видео больше, чем я могу взять ({limit} МБ или {megapixels} мегапикселей в кадре).",
    "too-long": "Я рисую видео не длиннее {limit}. Пришлите покороче.",
    "broken-video": "Не могу прочитать видео: оно повреждено или незнакомого мне вида. Пришлите другое.",
    "broken-style": "Не могу прочитать стиль: он повреждён или незнакомого мне вида. Пришлите другой.",
    "broken-some": "Не смог прочитать: {numbers}.",
    "no-memory": "Мне не хватает памяти. Пришлите фото поменьше.",
    "time-limit": "Это длилось дольше {limit}, и я остановился. Попробуйте без доработки или поменьше.",
    "failed": "Что-то пошло не так, пока я рисовал. Попробуйте ещё раз или с другой картинкой.",
    "no-file": "Telegram больше не даёт мне эту картинку. Пришлите её ещё раз.",
    "no-telegram": "Не смог взять или отправить через Telegram. Попробуйте ещё раз.",
    "too-often-killed": "Я пробовал дважды, и оба раза меня прервали. Попробуйте ещё раз или пришлите поменьше.",
    "lost-again": "Я забыл, о чём это было. Пришлите фото ещё раз.",
    "no-such-style": "Этого стиля здесь больше нет. /styles показывает те, что есть.",
    "needs-painting": (
        "Об этой картине я знаю только её стиль: для доработки, подобранных цветов или другой кисти пришлите её снимок."
        " /settings меняет то, как я рисую."
    ),
    "not-text": "Я понимаю только картинки. Пришлите фото; /help объясняет, как это делается.",
    "not-sticker": "Стикер слишком мал для картины. Пришлите фото.",
    "not-video": "Движущиеся картинки я рисовать не умею. Пришлите фото.",
    "not-picture": "Это не картинка, которую я могу прочитать. Пришлите фото или файл JPEG, PNG, WebP, TIFF.",
    "not-allowed": "Это частный бот. Владелец может вас впустить; ваш номер — {number}.",
    "only-private": "Напишите мне, пожалуйста, лично.",
    "broken": "У меня что-то сломалось. Попробуйте ещё раз.",
    "forget-all": "Забыть обо мне всё",
    "seconds": "{count} с",
    "minutes": "{count} мин",
    "hours": "{count} ч",
}

LANGUAGES: Mapping[str, Mapping[str, str]] = MappingProxyType({"en": ENGLISH, "ru": RUSSIAN})
"""By ISO 639-1, as Telegram names a user's language."""
FALLBACK_LANGUAGE = "en"

STYLE_WORDS = ("style", "стиль")
"""Captions by which a picture says that it is the style."""


def language_of(code: str | None) -> str:
    """The language to speak with a user whose Telegram speaks `code`: 'ru-RU', 'en', None ..."""
    word = (code or "").partition("-")[0].lower()
    return word if word in LANGUAGES else FALLBACK_LANGUAGE


def say(language: str, key: str, **values: Any) -> str:
    """A sentence with its places filled."""
    return LANGUAGES.get(language, LANGUAGES[FALLBACK_LANGUAGE])[key].format(**values)


def duration(language: str, seconds: float) -> str:
    """'20 s', '3 min', '2 h', rounded up."""
    for key, unit in (("seconds", 1), ("minutes", 60), ("hours", 3600)):
        count = max(1, -(-int(seconds + 0.999) // unit))
        if count < 120 or key == "hours":
            return say(language, key, count=count)
    raise AssertionError


def described(language: str, name: str, value: Any) -> str:
    """The value of an option that buttons set, in words."""
    match name:
        case "strength":
            return say(language, "set-strength", percent=round(100 * value))
        case "style_scale":
            return say(language, "set-style_scale", factor=f"{value:g}")
        case "refine":
            return say(language, "set-refine" if value else "set-refine-none", steps=value)
        case "method":
            return say(language, "set-method", method=value)
    return say(language, f"set-{name}-{value}") if has_words(name) else f"{name.replace('_', ' ')}: {value}"


def has_words(name: str) -> bool:
    """Whether an option can be told in every language; of another one there is its English help."""
    return any(key == f"set-{name}" or key.startswith(f"set-{name}-") for key in ENGLISH)
