"""A registered version as MLflow's own model, which anything that knows MLflow can load and ask."""

import os
import shutil
import subprocess
import sys
from importlib.metadata import version as installed
from pathlib import Path
from tempfile import TemporaryDirectory
from textwrap import shorten

import numpy as np

from tasks.networks.inference import evenly
from tasks.registry.decision import Judged
from tasks.registry.version import Candidate
from tasks.schemas.references import Array, Integers, Pixels

REQUIREMENTS = ("numpy", "onnx", "onnxruntime")
SAMPLE = 200  # images
CLOSE = 1e-3  # in nats, of log losses
SECONDS = 300  # to load and to ask
ASK = """
import sys, numpy, mlflow
flavor = mlflow.models.Model.load(sys.argv[1]).flavors["python_function"]
assert flavor["loader_module"] == "mlflow.onnx" and "code" not in flavor, "it names other code"
answers = mlflow.pyfunc.load_model(sys.argv[1]).predict(numpy.load(sys.argv[2])["images"])
labels = numpy.asarray(answers["label"]).astype(str)
kept = {key: answers[key] for key in ("probabilities", "refused")}
numpy.savez(sys.argv[3], label=labels, **kept)
"""


def save_mlflow_model(candidate: Candidate, folder: Path) -> None:
    """Write a candidate's ONNX as MLflow's model, with signature, example and requirements.

    It takes images uint8 (n, height, width, channels), gives as `to_onnx`, and holds no pickle.
    """
    import mlflow.onnx
    import onnx
    from mlflow.models import infer_signature

    images = np.zeros_like(candidate.sample[:1])
    answers = {
        "label": np.array([""]),
        "probabilities": np.zeros((1, len(candidate.classes)), np.float32),
        "refused": np.zeros(1, bool),
    }
    mlflow.onnx.save_model(
        onnx.load(candidate.model),
        str(folder),
        signature=infer_signature(images, answers),
        input_example=images,
        pip_requirements=[f"{name}=={installed(name)}" for name in REQUIREMENTS],
        metadata={
            "classes": list(candidate.classes),
            "preparation": candidate.preparation.model_dump(),
        },
        onnx_execution_providers=["CPUExecutionProvider"],  # MLflow asks for CUDA, and warns
        save_as_external_data=False,
    )
    shutil.copyfile(candidate.model, folder / "model.onnx")  # to the byte, whose digest is known
    (folder / "card.md").write_text(candidate.card, encoding="utf-8")
    np.savez_compressed(folder / "sample.npz", images=candidate.sample)


def sampled(images: Pixels) -> Integers:
    """The rows of the held-out images (n, ...) that a registered model is asked for."""
    return evenly(np.arange(len(images)), SAMPLE)


def find_flaw(address: str, model: str, images: Pixels, judged: Judged) -> str:
    """Why a registered model is not what was judged, in words; "" if it is.

    It is loaded in a process of its own, from the tracking URI `address` by MLflow's name, as in
    `models:/base/3`, and asked for some of the images (n, ...) that it was judged on.
    """
    rows = sampled(images)
    with TemporaryDirectory() as folder:
        asked, answered = Path(folder) / "images.npz", Path(folder) / "answers.npz"
        np.savez(asked, images=images[rows])
        flaw = _ask([sys.executable, "-c", ASK, model, str(asked), str(answered)], folder, address)
        if flaw:
            return f"MLflow cannot load the registered model ({shorten(flaw, 200)})"
        with np.load(answered) as answers:
            return _difference(dict(answers), rows, judged)


def _ask(command: list[str], folder: str, address: str) -> str:
    """Run a command; the last line of what it complains about, "" if it ends well."""
    quiet = {"MLFLOW_TRACKING_URI": address, "MLFLOW_DISABLE_TELEMETRY": "true"}
    try:
        done = subprocess.run(
            command, cwd=folder, env=os.environ | quiet, capture_output=True, timeout=SECONDS
        )
    except subprocess.TimeoutExpired:
        return f"it took more than {SECONDS} seconds"
    said = done.stderr.decode(errors="replace").strip() or "it said nothing"
    return said.splitlines()[-1] if done.returncode else ""


def _difference(answers: dict[str, Array], rows: Array, judged: Judged) -> str:
    is_hit = answers["label"] == judged.labels[rows].astype(str)
    same = (is_hit == judged.hits[rows]) & (answers["refused"] == judged.refused[rows])
    sure = -np.log(np.maximum(answers["probabilities"].max(axis=1), 1e-7))
    close = np.abs(sure - judged.log_losses[rows]) < CLOSE
    wrong = int((~(same & (close | ~is_hit))).sum())
    return f"the registered model answers {wrong} of {len(rows)} images otherwise" if wrong else ""
