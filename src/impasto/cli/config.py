"""Options from a YAML file and from the environment."""

from pathlib import Path
from typing import Any

from cyclopts import App
from cyclopts.config import Dict, Env

from impasto.errors import OptionError, reason_of, suggestion

FILE = "impasto.yaml"
ENVIRONMENT = Env("IMPASTO_")


def configuration(app: App, file: Path | None) -> tuple[Env, *tuple[Dict, ...]]:
    """What options are taken from, the first counting most. file: None for that of the current folder, if there is one.

    Raises OptionError for a file that cannot be read, is no YAML, or names a command that there is not.
    """
    if file is None and not Path(FILE).exists():
        return (ENVIRONMENT,)
    path = Path(FILE) if file is None else file
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
