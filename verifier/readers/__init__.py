"""From a file, a picture or a code to the evidence inside it. Everything read is hostile."""

from verifier.readers.material import Material
from verifier.readers.reader import read

__all__ = ["Material", "read"]
