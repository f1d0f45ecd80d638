"""What to lower where the device's memory is too small."""

from collections.abc import Iterator
from contextlib import contextmanager

from zoo_core.errors import ZooError
from zoo_core.runs import RunFolder
from zoo_core.training import checkpoint
from zoo_core.training.backends import backend
from zoo_core.training.options import TrainingOptions


@contextmanager
def telling_what_to_lower(model: str, options: TrainingOptions, run: RunFolder | None = None) -> Iterator[None]:
    """A scope that builds or trains a model, in a run if there is one.

    Raises:
        ZooError: where the device's memory is too small.
    """
    try:
        yield
    except Exception as error:
        if not backend().is_out_of_memory(error):
            raise
        kept = f" {checkpoint.kept(run)}" if run else ""
        begun = run is not None and checkpoint.steps_of(run)  # and then its options stay
        raise ZooError(
            f"The device's memory is too small for batches of {options.batch_size} images.{kept}",
            f"{'Start a new run with' if begun else 'Try'} {', or '.join(_ways(model, options))}.",
        ) from error


def _ways(model: str, options: TrainingOptions) -> list[str]:
    size, parts = options.batch_size, options.accumulate
    ways = [f"a smaller batch, --batch-size {size // 2}"] if size > 1 else []
    ways += [f"the same batch in more parts, -t accumulate={2 * parts}"] if size % (2 * parts) == 0 else []
    return [*ways, f"a smaller network (zoo models show {model})"]
