"""Named training runs. `RECIPES` is the whole list: module and the function or class in it that makes the config.

A recipe's module also has `build`, which makes the run; `DATA`, the kinds of pictures that it tells apart, if any; and
`settle`, if what the config leaves open depends on the pictures and on how many processes learn from them.
"""

RECIPES = {
    "adain": "impasto.recipes.adain:adain",
    "adain_more": "impasto.recipes.adain:adain_more",
    "adain_paper": "impasto.recipes.adain_paper:adain_paper",
    "adain_paper_short": "impasto.recipes.adain_paper:adain_paper_short",
    "adain_mean_squared": "impasto.recipes.adain_paper:adain_mean_squared",
    "adain_content": "impasto.recipes.adain_paper:adain_content",
    "adain_style": "impasto.recipes.adain_paper:adain_style",
    "cyclegan": "impasto.recipes.cyclegan:cyclegan",
    "cyclegan_slim": "impasto.recipes.cyclegan:cyclegan_slim",
    "nla_cyclegan": "impasto.recipes.nla_cyclegan:nla_cyclegan",
    "nla_cyclegan_compose": "impasto.recipes.nla_cyclegan:nla_cyclegan_compose",
    "nla_cyclegan_slim": "impasto.recipes.nla_cyclegan:nla_cyclegan_slim",
    "dncnn_cyclegan_small_batch": "impasto.recipes.dncnn_cyclegan:exp_small_bs",
    "dncnn_cyclegan": "impasto.recipes.dncnn_cyclegan:exp_large_bs",
    "dncnn_cyclegan_decay": "impasto.recipes.dncnn_cyclegan:exp_large_bs_decay",
    "dncnn_cyclegan_small_batch_decay": "impasto.recipes.dncnn_cyclegan:exp_small_bs_decay",
    "dncnn_cyclegan_single": "impasto.recipes.dncnn_cyclegan:single",
    "munit": "impasto.recipes.munit:munit",
    "munit_slim": "impasto.recipes.munit:munit_slim",
    "aggan": "impasto.recipes.aggan:aggan",
    "aggan_slim": "impasto.recipes.aggan:aggan_slim",
    "semantic_gan": "impasto.recipes.semantic_gan:semantic_gan",
    "semantic_gan_anchored": "impasto.recipes.semantic_gan:semantic_gan_anchored",
    "semantic_gan_stable": "impasto.recipes.semantic_gan:semantic_gan_stable",
    "semantic_gan_100k": "impasto.recipes.semantic_gan:semantic_gan_100k",
    "semantic_gan_20k": "impasto.recipes.semantic_gan:semantic_gan_20k",
    "semantic_gan_slim": "impasto.recipes.semantic_gan:semantic_gan_slim",
    "lite_encoder": "impasto.recipes.lite_encoder:Config",
}

EARLIER_NAMES = {
    "exp_smallBS": "dncnn_cyclegan_small_batch",
    "exp_largeBS": "dncnn_cyclegan",
    "exp_largeBS_decay": "dncnn_cyclegan_decay",
    "exp_smallBS_decay": "dncnn_cyclegan_small_batch_decay",
}
"""What papers call them, and runs that were begun so: {earlier name: name}."""


def place_of(recipe: str) -> tuple[str, str]:
    """(module, maker) of a recipe by its name, or by an earlier one. Raises KeyError."""
    module, _, maker = RECIPES[EARLIER_NAMES.get(recipe, recipe)].partition(":")
    return module, maker
