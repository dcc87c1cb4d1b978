"""Method `aggan`: attention says what of a picture becomes another kind, and the rest stays (Mejjati et al. 2018)."""

from impasto.methods.aggan.network import Generator, GeneratorConfig
from impasto.methods.aggan.options import AgGANOptions
from impasto.translation import Translator


class AgGAN(Translator):
    """The method, ready to paint: holds generators, and nothing of the pictures that it painted."""

    options, generator, config = AgGANOptions, Generator, GeneratorConfig
