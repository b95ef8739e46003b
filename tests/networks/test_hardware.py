import pytest

from flows.config import Config
from tasks.networks.hardware import processor, processor_features, resolve_precision


@pytest.fixture
def information(tmp_path):
    def describe(flags: str):
        path = tmp_path / "cpuinfo"
        path.write_text(
            f"processor\t: 0\nmodel name\t: Some CPU @ 2 GHz\nflags\t\t: {flags}\nbugs\t: none\n"
        )
        return path

    return describe


def test_the_processor_is_described(information):
    path = information("fpu avx2 amx_bf16 sse")
    assert processor(path) == "Some CPU @ 2 GHz"
    assert processor_features(path) == ["avx2", "amx_bf16"]


@pytest.mark.parametrize(
    ("flags", "resolved"),
    [
        ("avx2 avx512f", "float32"),
        ("avx2 avx512f avx512_bf16", "bfloat16"),
        ("avx2 avx512f avx512_bf16 amx_bf16 amx_tile", "bfloat16"),
    ],
)
def test_auto_is_bfloat16_only_where_the_processor_is_faster_at_it(
    information, tmp_path, flags, resolved
):
    no_gpu = tmp_path / "gpus"
    assert resolve_precision("auto", information(flags), no_gpu) == resolved


def test_auto_is_bfloat16_on_a_gpu(information, tmp_path):
    assert resolve_precision("auto", information("avx2"), gpus=tmp_path) == "bfloat16"


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_a_precision_that_is_asked_for_is_taken(information, precision):
    assert resolve_precision(precision, information("avx2")) == precision


def test_the_notebook_recipe_stays_float32():
    recipes = Config(precision="bfloat16").chosen_recipes()
    assert (recipes["notebook"].base.precision, recipes["notebook"].head.precision) == (
        "float32",
        "float32",
    )
    assert recipes["tuned"].base.precision == "bfloat16"
