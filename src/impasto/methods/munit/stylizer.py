"""Method `munit`: one kind of pictures made into another in one of many styles, drawn or given (Huang et al. 2018)."""

from collections.abc import Mapping
from typing import Any

from impasto.methods.munit.network import Generator, GeneratorConfig
from impasto.translation import Translator


class MUNIT(Translator):
    """The method, ready to paint: holds generators, and nothing of the pictures that it painted."""

    method = "munit"

    @classmethod
    def build(cls, config: Mapping[str, Any]) -> Generator:
        return Generator(GeneratorConfig.from_json(config))
