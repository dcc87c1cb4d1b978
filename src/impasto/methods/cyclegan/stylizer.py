"""Method `cyclegan`: one kind of pictures made into another by a trained generator (Zhu et al. 2017)."""

from impasto.methods.cyclegan.network import Generator, GeneratorConfig
from impasto.methods.cyclegan.options import CycleGANOptions
from impasto.translation import Translator


class CycleGAN(Translator):
    """The method, ready to paint: holds generators, and nothing of the pictures that it painted."""

    options, generator, config = CycleGANOptions, Generator, GeneratorConfig
