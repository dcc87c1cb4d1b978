import re

import pytest

from impasto.cli import stylize as command
from impasto.cli.main import app
from impasto.methods import METHODS, StylizeOptions, every_field, options_of

# For the options that are texts of a form of their own; `other` finds a value for every other one.
TEXTS = {
    "content_layers": "relu3_1:2",
    "style_layers": "relu1_1,relu3_1:2",
    "attention_layers": "relu2_1,relu3_1:2",
    "style_blend": "3",
    "init": "noise",
    "decoder": "adain_paper",
}


def other(item):
    """A value of an option that is not its default, where there is one."""
    if item.name in TEXTS:
        return TEXTS[item.name]
    if choices := item.metadata["choices"]:
        return next((choice for choice in choices if choice != item.default), item.default)
    numbers = (3, 7) if "int" in str(item.type) else (0.25, 2.5, 0.05)
    most = item.metadata["maximum"] or numbers[0]
    return next(number for number in numbers if number != item.default and number <= most)


@pytest.fixture
def chosen(monkeypatch):
    """The options of each painting that was asked for, instead of painting it."""
    seen = []
    monkeypatch.setattr(command, "_paint", lambda pictures, options, *rest: seen.append(options))
    return seen


def test_every_option_is_a_flag_that_shows_its_default_help_and_choices():
    found = {argument.name: argument for argument in app["stylize"].assemble_argument_collection()}
    assert found["--method"].parameter.choices == tuple(METHODS)
    for name, owners in every_field().items():
        item = next(iter(owners.values()))
        parameter = found[f"--{name.replace('_', '-')}"].parameter
        assert parameter.help.startswith(item.metadata["help"])
        assert parameter.choices == (item.metadata["choices"] or None) or item.metadata["aliases"]
        assert item.metadata["unit"].upper() == (parameter.metavar or "")
        expected = None if item.default in (None, "") else str(item.default)
        assert parameter.show_default(None) == expected


def test_flags_that_are_not_given_leave_the_defaults(impasto, chosen):
    assert impasto("stylize", "photo.png", "-s", "style.png").code == 0
    assert chosen == [StylizeOptions()]


@pytest.mark.parametrize("name", every_field())
def test_a_flag_sets_its_option_and_no_other(name, impasto, chosen):
    method, item = next(iter(every_field()[name].items()))
    value = other(item)
    style = ("-s", "style.png") if options_of(method).takes_styles else ()
    outcome = impasto("stylize", "photo.png", *style, "--method", method, f"--{name.replace('_', '-')}", str(value))
    assert outcome.code == 0, outcome.err
    assert chosen == [StylizeOptions(method, **{name: value})]


def test_the_help_says_ranges_units_and_headings(impasto, monkeypatch):
    monkeypatch.setenv("COLUMNS", "400")
    text = impasto("stylize", "--help").out
    assert "(from 0.05 to 10)" in text
    assert "--size PX" in text
    assert "(1 or more)" in text
    assert "[choices: draft, default, best," in text
    assert "How to paint" in text


def test_the_command_line_counts_more_than_the_environment_and_that_more_than_the_file(
    impasto, chosen, folder, monkeypatch
):
    (folder / "impasto.yaml").write_text(
        "stylize:\n  size: 10\n  method: gatys\n  steps: 20\n  style-weight: 30\n  style: [style.png]\n"
    )
    monkeypatch.setenv("IMPASTO_STYLIZE_STEPS", "21")
    monkeypatch.setenv("IMPASTO_STYLIZE_STYLE_WEIGHT", "31")
    assert impasto("stylize", "photo.png", "--style-weight", "32").code == 0
    assert (chosen[0].size, chosen[0].steps, chosen[0].style_weight) == (10, 21, 32)


def test_another_file_of_options(impasto, chosen, folder):
    (folder / "impasto.yaml").write_text("stylize: {size: 10}")
    (folder / "other.yaml").write_text("stylize: {strength: 0.5}")
    assert impasto("stylize", "photo.png", "-s", "style.png", "--config", "other.yaml").code == 0
    assert chosen == [StylizeOptions(strength=0.5)]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (b"stylize: {pixels: 1}", "pixels"),
        (b"stylize: [", "impasto.yaml: it is no YAML: while parsing a flow"),
        (b"stylize: {style: caf\xe9}", "impasto.yaml: it is no YAML"),
        (b"stylize: !!python/object:os.system {}", "impasto.yaml: it is no YAML"),
        (b"stylize: 3", "impasto.yaml"),
        (b"[1, 2]", "impasto.yaml: it must hold options below the names of commands"),
        (b"stylise: {size: 3}", "impasto.yaml: there is no command 'stylise'; did you mean 'stylize'?"),
        (None, "impasto: impasto.yaml: it cannot be read: is a directory\n"),
    ],
)
def test_a_wrong_file_of_options_is_wrong_usage_and_named(text, said, impasto, folder):
    path = folder / "impasto.yaml"
    path.mkdir() if text is None else path.write_bytes(text)
    outcome = impasto("stylize", "photo.png", "-s", "style.png")
    outcome.refuses(2, said)
    assert "impasto.yaml" in outcome.err


def test_an_empty_file_of_options_is_one_without_options(impasto, chosen, folder):
    (folder / "impasto.yaml").write_text("")
    outcome = impasto("stylize", "photo.png", "-s", "style.png")
    assert (outcome.code, outcome.err) == (0, "")


def test_help_shows_what_most_people_want_and_all_of_it_on_request(impasto):
    plain, everything = (impasto("stylize", word).out for word in ("--help", "--help-all"))
    assert {"--strength", "--preset", "--output"} <= set(plain.split())
    hidden = {"--attention-temperature", "--precision", "--pixel-limit"}
    assert hidden.isdisjoint(plain.split())
    assert hidden <= set(everything.split())
    assert plain.index("--strength") < plain.index("Options of gatys") < plain.index("--preset")
    assert impasto("serve", "--help-all").out == impasto("serve", "--help").out


@pytest.mark.parametrize("command", [name for name in app if not name.startswith("-")])
def test_no_empty_default_is_shown(command, impasto):
    texts = [impasto(command, "--help").out]
    if not texts[0].count("Parameters"):
        texts += [impasto(command, name, "--help").out for name in app[command] if not name.startswith("-")]
    for text in texts:
        assert not re.search(r'\[default:\s*(\(|\[|""|False|None)', text)
