"""What the package asks for, without the package: python tools/requirements.py [EXTRA...] > requirements.txt.

For images: what is installed from it stays as it is when only code has changed.
"""

import re
import sys
import tomllib
from pathlib import Path


def main() -> None:
    project = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text("utf-8"))["project"]
    extras = project["optional-dependencies"]
    wanted = list(project["dependencies"])
    for name in sys.argv[1:]:
        # An extra that names others of this package's is not for this.
        if name not in extras or any(re.match("impasto", item) for item in extras[name]):
            sys.exit(f"no extra '{name}' that stands by itself")
        wanted += extras[name]
    print("\n".join(dict.fromkeys(wanted)))


if __name__ == "__main__":
    main()
