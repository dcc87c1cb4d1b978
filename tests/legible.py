"""What a browser says of a page: can its text be read, does it fit, has everything a name."""

_CONTRAST = """() => {
    const canvas = document.createElement('canvas').getContext('2d', { willReadFrequently: true });
    const probe = document.createElement('i');
    probe.style.background = 'Canvas';
    document.body.append(probe);
    const paper = channels(getComputedStyle(probe).backgroundColor).slice(0, 3);
    probe.remove();

    // Any notation of a colour -> red, green, blue from 0 to 255, opacity from 0 to 1.
    function channels(colour) {
        canvas.clearRect(0, 0, 1, 1);
        canvas.fillStyle = colour;
        canvas.fillRect(0, 0, 1, 1);
        const [red, green, blue, alpha] = canvas.getImageData(0, 0, 1, 1).data;
        return [red, green, blue, alpha / 255];
    }
    const over = (top, bottom) => bottom.map((value, i) => top[i] * top[3] + value * (1 - top[3]));
    function luminance(colour) {
        const linear = colour.map((value) => value / 255).map(
            (value) => value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4);
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2];
    }
    const found = [];
    const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (texts.nextNode()) {
        const element = texts.currentNode.parentElement, words = texts.currentNode.data.trim();
        if (!words || element.closest('script, style, noscript') || !element.checkVisibility()) continue;
        const ancestors = [];
        for (let one = element; one; one = one.parentElement) ancestors.unshift(getComputedStyle(one));
        const behind = ancestors.reduce((below, style) => over(channels(style.backgroundColor), below), paper);
        const ink = channels(getComputedStyle(element).color);
        ink[3] *= ancestors.reduce((opacity, style) => opacity * style.opacity, 1);
        const [dark, light] = [luminance(over(ink, behind)), luminance(behind)].sort((a, b) => a - b);
        found.push([(light + 0.05) / (dark + 0.05), words]);
    }
    return found;
}"""

_NAMELESS = """() => [...document.querySelectorAll('img, input, button, select, textarea')].filter((one) => {
    if (!one.checkVisibility()) return false;
    if (one.matches('img')) return !one.alt && !one.closest('[aria-label], [aria-hidden=true]');
    const labels = [...(one.labels || [])].map((label) => label.innerText.trim());
    return !one.ariaLabel && !one.textContent.trim() && !labels.some(Boolean);
}).map((one) => one.outerHTML.slice(0, 200))"""


def contrasts(page):
    """[(WCAG 2's contrast of text and background, the text)] of all text that is shown, lowest first.

    Colours are the computed ones, opacity and see-through backgrounds included; pictures behind text are not.
    """
    return sorted((ratio, words) for ratio, words in page.evaluate(_CONTRAST))


def hard_to_read(page, least=4.5):
    """Texts with less contrast than WCAG 2 AA asks of small print."""
    return [(round(ratio, 2), words) for ratio, words in contrasts(page) if ratio < least]


def nameless(page):
    """Visible pictures and controls that a screen reader has no words for."""
    return page.evaluate(_NAMELESS)


def beyond_the_edge(page):
    """By how many pixels the page is wider than its window."""
    return page.evaluate("document.documentElement.scrollWidth - innerWidth")


def small_targets(page, selector, least=44):
    """Boxes that a finger misses: (label, width, height) of those with a side below `least` CSS pixels."""
    boxes = [(one, one.bounding_box()) for one in page.query_selector_all(selector) if one.is_visible()]
    return [
        (one.get_attribute("aria-label") or one.inner_text(), box["width"], box["height"])
        for one, box in boxes
        if min(box["width"], box["height"]) < least
    ]
