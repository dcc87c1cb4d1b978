"""Method `semantic-gan`: one kind of pictures made into another by a trained generator (paper 003)."""

from impasto.methods.semantic_gan.network import Generator, GeneratorConfig
from impasto.methods.semantic_gan.options import SemanticGANOptions
from impasto.translation import Translator


class SemanticGAN(Translator):
    """The method, ready to paint: holds generators, and nothing of the pictures that it painted."""

    options, generator, config = SemanticGANOptions, Generator, GeneratorConfig
