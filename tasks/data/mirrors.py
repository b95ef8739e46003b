"""Where MNIST is published, and what exactly is published there."""

from dataclasses import dataclass

from tasks.data.download import PublishedFile


@dataclass(frozen=True)
class Edition:
    """One form in which MNIST is published.

    Attributes:
        path: file or folder, relative to the folder of data sets, that a source is read from.
        files: all files it consists of.
    """

    path: str
    files: tuple[PublishedFile, ...]


@dataclass(frozen=True)
class Mirror:
    """A server's folder that holds an edition.

    Attributes:
        url: the folder's address, with a slash at its end.
        edition: what it holds.
    """

    url: str
    edition: Edition

    def address(self, file: PublishedFile) -> str:
        """Returns the full address of one of the edition's files."""
        return self.url + file.name

    @property
    def first_address(self) -> str:
        """The address that stands for the mirror when it is asked whether it answers."""
        return self.address(self.edition.files[0])


def _idx_file(name: str, size: int, sha256: str) -> PublishedFile:
    return PublishedFile(f"{name}.gz", f"mnist-idx/{name}", size, sha256)


KERAS_EDITION = Edition(
    "mnist.npz",
    (
        PublishedFile(
            "mnist.npz",
            "mnist.npz",
            11_490_434,
            "731c5ac602752760c8e48fbffcf8c3b850d9dc2a2aedcf2cc48468fc17b673d1",
        ),
    ),
)
IDX_EDITION = Edition(
    "mnist-idx",
    (
        _idx_file(
            "train-images-idx3-ubyte",
            47_040_016,
            "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
        ),
        _idx_file(
            "train-labels-idx1-ubyte",
            60_008,
            "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
        ),
        _idx_file(
            "t10k-images-idx3-ubyte",
            7_840_016,
            "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
        ),
        _idx_file(
            "t10k-labels-idx1-ubyte",
            10_008,
            "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
        ),
    ),
)
MIRRORS = (
    Mirror("https://storage.googleapis.com/tensorflow/tf-keras-datasets/", KERAS_EDITION),
    Mirror("https://storage.googleapis.com/cvdf-datasets/mnist/", IDX_EDITION),
    Mirror("https://ossci-datasets.s3.amazonaws.com/mnist/", IDX_EDITION),
)
