"""Where the images come from: MNIST, a person's own files, or scikit-learn's digits."""

from tasks.sources.find import find_source
from tasks.sources.read import read_source
from tasks.sources.source import Images, Source

__all__ = ["Images", "Source", "find_source", "read_source"]
