"""What a run would take, found out by a few of its steps; nothing is written."""

import math
import time
from collections.abc import Mapping
from statistics import median
from typing import Any

from zoo_core.data import Dataset, Feeder
from zoo_core.options import resolve
from zoo_core.registry import registry
from zoo_core.training.backends import backend
from zoo_core.training.budget import images_per_step, in_steps
from zoo_core.training.build import build
from zoo_core.training.device_memory import telling_what_to_lower
from zoo_core.training.engine import Engine
from zoo_core.training.feeding import Feed, fits_on_device, usual_dispatch
from zoo_core.training.log import peak_memory_mib
from zoo_core.training.options import training_options
from zoo_core.training.precision import computing_in

TIMED = 5  # dispatches after the first


def estimate(
    model: str,
    data: Dataset,
    *,
    options: Mapping[str, Any] | None = None,
    training: Mapping[str, Any] | None = None,
    device: str = "auto",
    devices: int = 1,
) -> dict[str, Any]:
    """Resolve the options, build the networks, and time some steps.

    Returns:
        `parameters` by network, `state_mib` of weights, averages and optimizers, `peak_memory_mib` of this process,
        `compile_seconds` of the first dispatch, `step_milliseconds` (the median of five dispatches), the `steps` to
        take and the `train_seconds` for all of them, without sample grids and checkpoints, and the `disk_mib` that the
        checkpoints that stay take at most.

    Raises:
        UsageError: for whatever was asked wrong.
        ZooError: where the device's memory is too small.
    """
    registered = registry().model(model)
    model_options = resolve(registered.load()[1], options or {}, f"model '{model}'")
    settings = training_options(training or {})
    on = backend()
    chosen = on.select_device(device)
    sharing = on.distribute(chosen, devices, settings.batch_size // settings.accumulate)
    fitting = telling_what_to_lower(model, settings)
    with computing_in(settings.precision), on.use_device(chosen), sharing, fitting:
        built = build(registered, model_options, data.spec, seed=0)
        settings = in_steps(settings, built.model)
        feeder = Feeder(data, "train", images_per_step(settings, built.model), 0)
        resident = fits_on_device(feeder, on, chosen)
        engine = Engine(built.model, built.networks, 0, settings, feeder.arrays if resident else None)
        feed, count = Feed(feeder, resident), settings.steps_per_dispatch or usual_dispatch(on, chosen)
        seconds = []
        for step in range(0, (1 + TIMED) * count, count):
            began = time.perf_counter()
            logs = engine.steps(step, count, feed.batches(step, count, ahead=count))
            [on.to_numpy(value) for row in logs for value in row.values()]  # waits until the steps are done
            seconds.append(time.perf_counter() - began)
    step_seconds = median(seconds[1:]) / count
    steps = settings.steps
    if settings.seconds:
        steps = min(steps, math.ceil(settings.seconds / step_seconds))
    sizes = {name: array.nbytes for name, array in engine.snapshot().items()}
    state = sum(sizes.values())
    used_later = tuple(f"networks/{network}/" for network in built.model.inference)
    averages = sum(size for name, size in sizes.items() if name.startswith(used_later))
    kept = settings.keep * (state + averages + bool(settings.select_every) * averages)  # each with the best by then
    return {
        "model": model,
        "data": data.name,
        "parameters": {name: network.count_params() for name, network in built.networks.items()},
        "state_mib": round(state / 2**20, 1),
        "peak_memory_mib": round(peak_memory_mib(), 1),
        "compile_seconds": round(seconds[0], 2),
        "step_milliseconds": round(1000 * step_seconds, 2),
        "steps": steps,
        "train_seconds": round(seconds[0] + steps * step_seconds, 1),
        "disk_mib": round(kept / 2**20, 1),
    }
