import pytest

from flows.config import Config
from tasks.networks.hardware import processor, processor_features, resolve_precision


@pytest.fixture
def information(tmp_path, monkeypatch):
    """A machine without a GPU, whose processor has these flags."""

    def describe(flags: str) -> None:
        path = tmp_path / "cpuinfo"
        path.write_text(
            f"processor\t: 0\nmodel name\t: Some CPU @ 2 GHz\nflags\t\t: {flags}\nbugs\t: none\n"
        )
        monkeypatch.setattr("tasks.networks.hardware.INFORMATION", path)
        monkeypatch.setattr("tasks.networks.hardware.GPUS", tmp_path / "gpus")

    return describe


def test_the_processor_is_described(information):
    information("fpu avx2 amx_bf16 sse")
    assert processor() == "Some CPU @ 2 GHz"
    assert processor_features() == ["avx2", "amx_bf16"]


@pytest.mark.parametrize(
    ("flags", "resolved"),
    [
        ("avx2 avx512f", "float32"),
        ("avx2 avx512f avx512_bf16", "bfloat16"),
        ("avx2 avx512f avx512_bf16 amx_bf16 amx_tile", "bfloat16"),
    ],
)
def test_auto_is_bfloat16_only_where_the_processor_is_faster_at_it(information, flags, resolved):
    information(flags)
    assert resolve_precision("auto") == resolved


def test_auto_is_bfloat16_on_a_gpu(information, tmp_path):
    information("avx2")
    (tmp_path / "gpus").mkdir()
    assert resolve_precision("auto") == "bfloat16"


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_a_precision_that_is_asked_for_is_taken(information, precision):
    information("avx2")
    assert resolve_precision(precision) == precision


def test_the_notebook_recipe_stays_float32():
    recipes = Config(precision="bfloat16").chosen_recipes()
    assert (recipes["notebook"].base.precision, recipes["notebook"].head.precision) == (
        "float32",
        "float32",
    )
    assert recipes["tuned"].base.precision == "bfloat16"
