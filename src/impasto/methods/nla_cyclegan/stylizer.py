"""Method `nla-cyclegan`: one kind of pictures made into another by a trained generator (paper 000)."""

from impasto.methods.nla_cyclegan.network import Generator, GeneratorConfig
from impasto.methods.nla_cyclegan.options import NLACycleGANOptions
from impasto.translation import Translator


class NLACycleGAN(Translator):
    """The method, ready to paint: holds generators, and nothing of the pictures that it painted."""

    options, generator, config = NLACycleGANOptions, Generator, GeneratorConfig
