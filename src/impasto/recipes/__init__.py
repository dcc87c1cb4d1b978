"""Named training runs. `RECIPES` is the whole list: module and the function or class in it that makes the config.

A recipe's module also has `build`, which makes the run, and `DATA`, the kinds of pictures that it tells apart, if any.
"""

RECIPES = {
    "adain": "impasto.recipes.adain:adain",
    "adain_paper": "impasto.recipes.adain:adain_paper",
    "adain_paper_short": "impasto.recipes.adain:adain_paper_short",
    "adain_mean_squared": "impasto.recipes.adain:adain_mean_squared",
    "adain_content": "impasto.recipes.adain:adain_content",
    "adain_style": "impasto.recipes.adain:adain_style",
    "lite_encoder": "impasto.recipes.lite_encoder:Config",
}
