"""`python -m impasto` is `impasto`; `torchrun -m impasto train ...` trains on several devices."""

import sys

from impasto.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
