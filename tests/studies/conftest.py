"""No accelerator knows of the test before."""

from trainings import fresh_accelerator  # noqa: F401  (used by every test here)
