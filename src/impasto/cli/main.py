"""The command `impasto`: which commands there are, where else options are taken from, and what becomes of errors.

A command's module is imported when the command is called, and PyTorch when it has work to do, so that `--help` and
wrong usage are answered at once. Exit codes: 0 done, 1 failed, 2 wrong usage, 130 stopped by Ctrl-C.
"""

import contextlib
import io
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

from cyclopts import App, CycloptsError, Parameter
from cyclopts.config import Dict, Env

import impasto
from impasto.cli.failures import in_flags, said, said_of_usage, with_overwrite
from impasto.cli.flags import EVERY_PARAMETER, SHOW_ALL, WORDS
from impasto.cli.pictures import is_meant, spelled_out
from impasto.cli.terminal import write, write_error
from impasto.errors import Cancelled, ImpastoError, OptionError, missing_extra, reason_of, suggestion

HELP_ALL = "--help-all"
CONFIG = "impasto.yaml"
ENVIRONMENT = Env("IMPASTO_")
EXTRAS = {"torch": "torch", "accelerate": "train", "matplotlib": "train"}
"""What most commands do without, and the extra that brings it."""
DONE, FAILED, WRONG_USAGE, INTERRUPTED, BROKEN_PIPE = 0, 1, 2, 130, 141

app = App(
    name="impasto",
    help="Turns pictures into paintings: offline, on a CPU, at any size.",
    usage="Usage: impasto PHOTO... --style PAINTING [--output OUT] [OPTIONS], or impasto COMMAND",
    help_epilogue=(
        "--help-all after a command shows all its options. Every option"
        f" can also stand in a YAML file, {CONFIG} in the current folder or --config FILE, below the name"
        " of its command (stylize: {size: 1024}), or in the environment (IMPASTO_STYLIZE_SIZE=1024). What is given on"
        " the command line counts most, then the environment, then the file."
    ),
    help_format="plaintext",
    version=impasto.__version__,
    version_flags=["--version"],
    config=[ENVIRONMENT],
    default_parameter=EVERY_PARAMETER,
    suppress_keyboard_interrupt=False,
    exit_on_error=False,
    print_error=False,
    result_action="return_value",
)
_COMMANDS = {
    "stylize": ("Paint pictures in the style of others.", "CONTENT... --style PAINTING [--output OUT] [OPTIONS]"),
    "video": ("Paint a film, steadily, with its sound.", "CLIP --style PAINTING [--output OUT] [OPTIONS]"),
    "batch": (
        "Paint very many pictures, on this machine or on a Ray cluster.",
        "INPUTS... --style PAINTING --output FOLDER [OPTIONS]",
    ),
    "demo": ("Paint a picture that comes with impasto, to see that it works.", ""),
    "encode": ("Encode a painting once, to a small file that --style takes.", ""),
    "styles": (
        "List the paintings that impasto knows by name, or paint a photo in all of them.",
        "[PHOTO] [--output SHEET] [OPTIONS]",
    ),
    "info": ("Show how a picture was painted.", ""),
    "attention": (
        "Show where places of a picture look in a painting.",
        "CONTENT --style PAINTING --at X,Y [--output OUT] [OPTIONS]",
    ),
    "weights": ("List, fetch and normalise the weights of networks.", ""),
    "data": ("Fetch and check the pictures that networks learn from.", ""),
    "train": ("Train a network by one of impasto's recipes.", ""),
    "runs": ("List, show and compare the runs that training left.", ""),
    "evaluate": (
        "Measure pictures that were made, or the generators of trained runs.",
        "OUTPUTS --content ... --style ... --reference ... | --run RUN --data A=... B=...",
    ),
    "compare": (
        "Paint pictures by several methods, and put them side by side.",
        "CONTENT... --style PAINTING... [--methods A,B] [--output FOLDER]",
    ),
    "study": ("Run an experiment of the papers on pictures of yours.", ""),
    "survey": ("Ask people about results, and report what they answered.", ""),
    "serve": ("Serve a web page, and the HTTP API.", ""),
    "bot": ("Be a Telegram bot.", ""),
    "keys": ("Say who may use a server.", ""),
}
"""{name: (what it does, how it is called, where that is not what its flags say)}, each in the module of its name."""
_WITH_COMMANDS = ("weights", "data", "runs", "survey", "keys")
"""Those that have commands of their own."""

for _name, (_about, _usage) in _COMMANDS.items():
    app.command(
        f"impasto.cli.{_name}:{'app' if _name in _WITH_COMMANDS else _name}",
        name=_name, help=_about, **({"usage": f"Usage: impasto {_name} {_usage}"} if _usage else {}),
    )  # fmt: skip
app.register_install_completion_command()


@app.meta.default
def launch(
    *tokens: Annotated[str, Parameter(show=False, allow_leading_hyphen=True)],
    config: Annotated[Path | None, Parameter(help=f"YAML file with options, instead of {CONFIG}")] = None,
    debug: Annotated[bool, Parameter(help="show the traceback of an error")] = False,  # noqa: ARG001
) -> int:
    """Run one command and return its exit code. debug is for `main`, which catches the errors."""
    app.config = _configuration(config)
    return int(app(tokens) or DONE)


def _configuration(file: Path | None) -> tuple[Env, *tuple[Dict, ...]]:
    """What options are taken from, the first counting most. file: None for that of the current folder, if there is one.

    Raises OptionError for a file that cannot be read, is no YAML, or names a command that there is not.
    """
    if file is None and not Path(CONFIG).exists():
        return (ENVIRONMENT,)
    path = Path(CONFIG) if file is None else file
    settings = _parsed(path)
    commands = [name for name in app if not name.startswith("-")]
    for name in settings:
        if name not in commands:
            raise OptionError(f"{path}: there is no command '{name}'{suggestion(name, commands)}")
    return ENVIRONMENT, Dict(settings, source=str(path))


def _parsed(path: Path) -> dict[str, Any]:
    # Not at the top: most calls have no such file.
    import yaml

    try:
        settings = yaml.safe_load(path.read_bytes())
    except FileNotFoundError:
        raise OptionError(f"--config {path}: there is no such file") from None
    except OSError as error:
        raise OptionError(f"{path}: it cannot be read: {reason_of(error)}") from None
    except (yaml.YAMLError, UnicodeError) as error:
        raise OptionError(f"{path}: it is no YAML: {' '.join(str(error).split())}") from None
    if not isinstance(settings, dict | None):
        raise OptionError(f"{path}: it must hold options below the names of commands, as in stylize: {{size: 1024}}")
    return settings or {}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run `impasto` with these arguments, by default the process's own, and return the exit code."""
    _open_what_is_closed()
    # For this process and those that it starts, before numpy is loaded: its matrices here are small, and its threads
    # wait by computing, on the processors that networks want.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    words = _completed(sys.argv[1:] if arguments is None else arguments)
    WORDS.set(words)
    if isinstance(sys.stdout, io.TextIOWrapper):
        # A file may have a name that the terminal's encoding cannot say.
        sys.stdout.reconfigure(errors="backslashreplace")
    debug = False
    try:
        command, bound, _ = app.meta.parse_args(words)
        debug = bool(bound.arguments.get("debug"))
        code = command(*bound.args, **bound.kwargs)
        sys.stdout.flush()
    except BrokenPipeError:
        return BROKEN_PIPE
    except (Exception, KeyboardInterrupt) as error:
        if debug:
            raise
        return _report(error, words)
    finally:
        _forget_what_cannot_be_written()
    return int(code or DONE)


def _completed(arguments: Sequence[str]) -> list[str]:
    """The words with the command that is meant where none is named: a picture, or an option of `stylize`."""
    SHOW_ALL.set(HELP_ALL in arguments)
    words = ["--help" if word == HELP_ALL else word for word in arguments]
    place = 0
    while place < len(words) and words[place].startswith(("--config", "--debug")):
        place += 2 if words[place] == "--config" else 1
    first = words[place] if place < len(words) else "--help"
    if first not in app and (first.startswith("-") or is_meant(first)):
        words.insert(place, "stylize")
    return spelled_out(words) if words[place : place + 1] == ["stylize"] else words


def _open_what_is_closed() -> None:
    """Daemons close their standard streams, whose numbers the next files opened would get."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, Path(os.devnull).open(mode, encoding="utf-8"))  # noqa: SIM115  (for the whole process)


def _forget_what_cannot_be_written() -> None:
    """Where the reader of stdout has gone, or its disk is full, Python would complain once more at exit."""
    try:
        sys.stdout.flush()
    except (OSError, ValueError):
        with contextlib.suppress(OSError, ValueError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _command(arguments: Sequence[str]) -> App:
    """The command that these arguments name."""
    return app.parse_commands(arguments)[1][-1]


def _report(error: BaseException, arguments: Sequence[str]) -> int:
    """One line for a person, and the exit code."""
    match error:
        case CycloptsError():
            chain = " ".join([app.name[0], *(error.command_chain or ())])
            said_so = said_of_usage(error, _command(arguments), arguments)
            write_error(f"{said_so} ({chain} --help lists what there is)")
            return WRONG_USAGE
        case KeyboardInterrupt():
            write_error("interrupted")
            return INTERRUPTED
        case Cancelled():
            write_error(str(error))
            return INTERRUPTED
        case OptionError():
            write_error(in_flags(str(error), _command(arguments), arguments))
            return WRONG_USAGE
        case ImpastoError() | OSError():
            command = _command(arguments)
            write_error(with_overwrite(said(error), command))
            # The first line says what happened; what it happened to stands below it.
            for note in getattr(error, "__notes__", ()):
                write(f"  {with_overwrite(note, command)}", sys.stderr)
        case ModuleNotFoundError(name=str(module)) if extra := EXTRAS.get(module.partition(".")[0]):
            write_error(missing_extra(" ".join(["impasto", *app.parse_commands(arguments)[0]]), extra, module))
        case _:
            write_error(
                f"something went wrong inside impasto ({type(error).__name__}: {error}); please run it again with"
                " --debug and report what it shows"
            )
    return FAILED
