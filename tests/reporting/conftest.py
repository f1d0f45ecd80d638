"""Records and run folders as a small comparison would leave them: three models, two seeds each."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from toys import created

from zoo_core.comparing.results import Comparison
from zoo_core.evaluation.protocol import load_protocol
from zoo_core.evaluation.record import Record, Score
from zoo_core.files import write_text
from zoo_core.runs import RunDescription
from zoo_core.specs import DataSpec, Field

SCORES = {"dcgan": (12.4, 13.2), "cgan": (11.9, 13.5), "vae": (31.0, 31.8)}
"""FD (classifier) of each model and seed: the two GANs are tied, the VAE is significantly worse than both."""

RESTORED = {"pix2pix": (20.1, 20.3), "srgan": (24.9, 25.1)}
"""PSNR of each model and seed: the second is significantly better."""


def _run(folder: Path, record: Record) -> None:
    """The run that the record is of, as training and evaluation leave it."""
    source, (height, width, channels) = record.source, record.data.shape
    assert source is not None
    image = Field((height, width, channels), "float32")
    data = DataSpec(
        name=record.data.name,
        fields={"images": image, "inputs": image} if "~" in record.data.name else {"images": image},
        classes=(),
        splits={"train": 1000, "validation": 360, "test": 360},
        content_hash=record.data.content_hash,
    )
    description = RunDescription(
        model=source.model,
        distribution=source.distribution,
        version=source.version,
        data=data,
        data_dir=None,
        seed=source.seed,
        parameters=source.cost.parameters,
        environment=source.environment,
        command=f"zoo train {source.model} --data {record.data.name} --seed {source.seed}",
        created=record.created,
    )
    run = created(folder, description, "")
    write_text(run.result_file, record.model_dump_json())
    generator = np.random.default_rng(source.seed)
    for step in range(50, 2001, 50):
        noise, line = generator.normal(0, 0.03, 3), {"step": step, "images": 64 * step, "seconds": step / 20}
        if source.model == "vae":
            line |= {"vae/loss": 40 * step**-0.3 + noise[0], "vae/kl": 9 + noise[1]}
            line |= {"select/fd_classifier": 90 * step**-0.2 + noise[2]}
        else:
            line |= {"discriminator/loss": 1.3 - step / 9000 + noise[0], "generator/loss": 0.9 + step / 4000 + noise[1]}
            line |= {"discriminator/accuracy": 0.7 + noise[2]}
        run.append_metrics(line)
    places = [run.samples / "final.png"]
    if source.model == "vae":
        run.exhibits.mkdir()
        names = ("reconstructions", "walk", "neighbours")
        places += [run.samples / "reconstructions.png", *(run.exhibits / f"{name}.png" for name in names)]
    for place in places:
        _grid(generator, height, width).save(place)


def _grid(generator: np.random.Generator, height: int, width: int) -> Image.Image:
    """8 × 8 round blobs, each somewhere else."""
    y, x = np.mgrid[:height, :width]
    cells = [[_blob(generator, y / height, x / width) for _ in range(8)] for _ in range(8)]
    return Image.fromarray(np.block(cells))


def _blob(generator: np.random.Generator, y: np.ndarray, x: np.ndarray) -> np.ndarray:
    top, left = generator.uniform(0.3, 0.7, 2)
    return np.uint8(255 * np.exp(-((y - top) ** 2 + (x - left) ** 2) / generator.uniform(0.02, 0.1)))


@pytest.fixture
def records(make_record: Callable[..., Record]) -> list[Record]:
    return [make_record(model, seed, fd) for model, values in SCORES.items() for seed, fd in enumerate(values)]


@pytest.fixture
def comparison(records: list[Record]) -> Comparison:
    return Comparison(
        title="Three models on digits",
        command="zoo compare dcgan cgan vae --data digits --seeds 2",
        created="2026-01-05T13:00:00+00:00",
        records=records,
        failures=[],
    )


@pytest.fixture
def restored(comparison: Comparison, make_record: Callable[..., Record]) -> Comparison:
    """Of models that make images from inputs, by a protocol that ranks them by a score of which more is better."""

    def metrics(psnr: float) -> dict[str, Score]:
        sizes = {"n_generated": 359, "n_reference": 359}
        return {
            "fd_classifier": Score(value=30 - psnr, label="FD (classifier)", better="lower", **sizes),
            "psnr": Score(value=psnr, label="PSNR (dB)", better="higher", **sizes),
        }

    about = {"name": "digits~noise25", "protocol": load_protocol("digits-noise25")}
    records = [
        make_record(model, seed, metrics=metrics(psnr), **about)
        for model, values in RESTORED.items()
        for seed, psnr in enumerate(values)
    ]
    return comparison.model_copy(update={"records": records})


@pytest.fixture
def make_runs(tmp_path: Path) -> Callable[[Comparison], dict[str, Path]]:
    """Writes the run folder of each record; returns where, as `write_report` takes it."""

    def make(comparison: Comparison) -> dict[str, Path]:
        runs = {}
        for number, record in enumerate(comparison.records):
            assert record.source is not None
            runs[record.source.run] = tmp_path / "runs" / str(number)
            _run(runs[record.source.run], record)
        return runs

    return make
