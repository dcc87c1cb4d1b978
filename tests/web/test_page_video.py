"""The page's tab for films, in Chromium."""

import pytest

pytest.importorskip("av")
pytest.importorskip("cv2")

from browsers import download, drop, echo_page, files_for, named, noise, said
from clips import clip, count, gif

pytestmark = pytest.mark.browser

READY = "() => [...document.querySelectorAll('#video video')].every(one => one.readyState >= 2)"


def film(name: str, data: bytes, kind: str = "video/mp4"):
    return {**named(name, data), "mimeType": kind}


def open_tab(page):
    page.click("#tab-video")
    page.wait_for_selector("#video .tile")


def styled(page, name):
    page.click(f"#video [data-style={name}]")


def test_a_clip_is_painted_played_and_saved(echo, visit):
    data = clip(50, (96, 64))
    with visit(echo.url) as page:
        open_tab(page)
        drop(page, "#video .wide", ("holiday.mp4", data), kind="video/mp4")
        said(page, "96 × 64, 2 s, 25 frames a second.", "#video-note")
        page.wait_for_function(READY)
        assert page.input_value("#video-size") == "96"
        # The photo of the other tabs is not touched.
        assert page.locator("#stage .invitation").count() == 1
        styled(page, "swirls")
        page.fill("#video-size", "64")
        page.fill("#video-to", "0:01,5")
        page.evaluate("document.querySelector('#video-source video').currentTime = 0.5")
        page.get_by_role("button", name="From here, where the clip is now").click()
        assert page.input_value("#video-from") == "0.50"
        page.focus("#video-steady")
        page.keyboard.press("ArrowRight")
        page.keyboard.press("ArrowRight")
        page.click("#video-go")
        said(page, "Painted: 4 frames.", "#video-note")
        task = echo.tasks[-1]
        assert task["styles"] == ["swirls"]
        assert task["options"]["size"] == 64
        said_of_film = {name: task["video"][name] for name in ("start", "end", "steady")}
        assert said_of_film == {"start": "0.50", "end": "0:01.5", "steady": 0.9}
        page.wait_for_selector("#video-result video")
        page.wait_for_function(READY)
        page.click("#video-both")
        times = "() => [...document.querySelectorAll('#video video')].map(one => one.currentTime)"
        page.wait_for_function(f"() => ({times})().every(one => one > 0) && !document.querySelector('video').paused")
        source, painted = page.evaluate(times)
        assert abs(source - painted - 0.5) < 0.4
        name, saved = download(page, "#video-save")
        assert (name, saved) == ("holiday-impasto.mp4", data)
        # Whoever leaves takes the film along.
        page.evaluate("dispatchEvent(new PageTransitionEvent('pagehide'))")
        page.wait_for_timeout(200)
    assert echo.service.health().video_bytes == 0


def test_progress_a_preview_and_stopping(echo, visit):
    with echo.holding(), visit(echo.url, wrong=(404,)) as page:
        open_tab(page)
        files_for(page, "#video-choose", film("clip.mp4", clip()))
        said(page, "frames a second", "#video-note")
        styled(page, "hold")
        page.click("#video-go")
        said(page, "Painting, frame 1 of 4,", "#video-note")
        said(page, "about 3 s left", "#video-note")
        assert page.evaluate("document.querySelector('#video progress').value") == 0.25
        assert page.locator("#video-result img").get_attribute("src").startswith("data:image/jpeg;base64,")
        assert page.locator("#video-go").is_hidden()
        page.focus("#video-stop")
        page.keyboard.press("Enter")
        said(page, "Stopped. Frames that were painted: 1.", "#video-note")
        page.wait_for_selector("#video-result video")
        assert count(download(page, "#video-save")[1]) == 6
        page.click("#language")
        said(page, "Остановлено. Нарисовано кадров: 1.", "#video-note")
        assert page.inner_text("#tab-video") == "Видео"
        assert page.locator("#video-go").inner_text() == "Рисовать"


def test_what_is_no_film_is_refused_and_a_gif_is_one(echo, visit):
    with visit(echo.url, wrong=(415,)) as page:
        open_tab(page)
        files_for(page, "#video-choose", film("song.mp3", b"x", "audio/mpeg"))
        said(page, "This is no film.", "#video-note")
        files_for(page, "#video-choose", film("broken.mp4", bytes(1000)))
        said(page, "The film cannot be read: it is no film", "#video-note")
        assert page.locator("#video-go").is_disabled()
        files_for(page, "#video-choose", film("still.png", noise(1), "image/png"))
        said(page, "it is a picture", "#video-note")
        files_for(page, "#video-choose", film("moves.gif", gif(), "image/gif"))
        said(page, "frames a second", "#video-note")
        assert page.locator("#video-source img").count() == 1
        page.select_option("#video-format", "gif")
        styled(page, "ink")
        page.click("#video-go")
        said(page, "Painted:", "#video-note")
        assert page.locator("#video-result img").count() == 1
        assert page.locator("#video-both").is_hidden()
        assert download(page, "#video-save")[0] == "moves-impasto.gif"


def test_a_server_without_films_has_no_tab(tmp_path, running, visit, monkeypatch):
    monkeypatch.setattr("impasto.service.videos.find_spec", lambda name: None)
    with echo_page(tmp_path, running) as here, visit(here.url) as page:
        page.wait_for_selector("#panel .tile")
        assert page.locator("#tab-video").is_hidden()
        page.focus("#tab-paint")
        page.keyboard.press("End")
        assert page.evaluate("document.activeElement.id") == "tab-explore"
