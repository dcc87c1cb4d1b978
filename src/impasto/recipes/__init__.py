"""Named training runs. `RECIPES` is the whole list; a recipe's module has `Config` and `build`."""

RECIPES = {
    "lite_encoder": "impasto.recipes.lite_encoder",
}
