"""Where the images come from: MNIST, a person's own files, or scikit-learn's digits."""

from tasks.data.find import find_source
from tasks.data.read import read_source
from tasks.data.source import Images, Source

__all__ = ["Images", "Source", "find_source", "read_source"]
