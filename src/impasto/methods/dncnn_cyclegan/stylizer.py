"""Method `dncnn-cyclegan`: one kind of pictures made into another by a trained generator (paper 002, part II)."""

from impasto.methods.dncnn_cyclegan.network import Generator, GeneratorConfig
from impasto.methods.dncnn_cyclegan.options import DnCNNCycleGANOptions
from impasto.translation import Translator


class DnCNNCycleGAN(Translator):
    """The method, ready to paint: holds generators, and nothing of the pictures that it painted."""

    options, generator, config = DnCNNCycleGANOptions, Generator, GeneratorConfig
