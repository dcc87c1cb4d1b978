"""Named training runs: those that the methods' options list, and that of the embedded encoder."""

import importlib
from typing import TYPE_CHECKING

from impasto.methods import METHODS, options_of

if TYPE_CHECKING:
    from impasto.training.loop import Recipe


def recipe_modules() -> dict[str, str]:
    """{recipe: module with the function of its name} of all that there are."""
    kinds = [options_of(method) for method in METHODS]
    of_methods = {name: f"{kind.__module__.removesuffix('options')}recipes" for kind in kinds for name in kind.recipes}
    return of_methods | {"lite_encoder": "impasto.recipes.lite_encoder"}


def current_name(recipe: str) -> str:
    """Of a recipe that papers, or runs that were begun so, call otherwise; any other name as it is."""
    aliases = {alias: name for method in METHODS for alias, name in options_of(method).recipe_aliases.items()}
    return aliases.get(recipe, recipe)


def load_recipe(recipe: str) -> "Recipe":
    """By its name, or by an earlier one. Raises KeyError."""
    name = current_name(recipe)
    loaded: Recipe = getattr(importlib.import_module(recipe_modules()[name]), name)()
    return loaded
