"""Every check has a model, broken on purpose, that fails it and no other. Mended, it is the good model."""

import re
from collections.abc import Callable
from contextlib import nullcontext
from importlib.util import find_spec
from types import SimpleNamespace

import keras
import pytest

from zoo_core.testing import CheckFailed, CheckResult, backends, check_model, networks_and_losses
from zoo_core.testing.global_state import watched
from zoo_core.testing.inpainting import known_pixels_stay_where_images_are_inpainted
from zoo_core.testing.kit import CHECKS, SLOW_CHECKS, Check, perform
from zoo_core.testing.likelihood import a_seed_decides_the_likelihoods, likelihoods_are_finite_and_never_positive
from zoo_core.testing.persistence import no_global_state_is_left
from zoo_core.testing.reconstruction import latents_are_decided_by_their_image, latents_become_images
from zoo_core.testing.sampling import samples_are_images, samples_do_not_depend_on_the_batch
from zoo_core.testing.subject import COUNT, Subject
from zoo_core.testing.tiny import striped_images

FIRST = "shape, width = data.image_shape, self.options.width"
GENERATED = 'fakes = nets["generator"](batch["z"], training=True)\n'
GENERATOR_LOSS = "return ops.mean(ops.softplus(-fake)), {}"
HIDDEN = 'x = layers.Dense(width, "tanh")(layers.Flatten()(images))'
NORMALIZED = 'x = SpectralNormalization(layers.Dense(width, "tanh"))(layers.Flatten()(images))'
JUDGED = 'nets["discriminator"](tools.augment(fakes), training=True)'
UNSEEN = 'nets["discriminator"](fakes, training=True)'
NOISE = "tools.normal((count, 3))"
REFUSAL = 'zoo_core.UnsupportedShape("toy takes 32 pixels at most.", "Ask for less: --data SET@32.")'
SAMPLE = f'return nets["generator"]({NOISE}, training=False)'
UNUSED = 'depth: int = Field(2, ge=1, description="not used")'

LOSS = "loss = ops.mean(ops.softplus(-real)) + ops.mean(ops.softplus(fake))"
PENALTY = f"""def critic(images):
            return nets["discriminator"](tools.augment(images), training=True)

        {LOSS} + gradient_penalty(critic, batch["images"], fakes, tools)"""
"""Its gradient is taken inside of the loss, and what the discriminator sees there can't be looked at from outside."""

COUNTER = """
class Counter(layers.Layer):
    def build(self, shape):
        self.count = self.add_weight(shape=(), initializer="zeros", trainable=False, name="count")

    def call(self, inputs, training=False):
        if training:
            self.count.assign(self.count + 1)
        return inputs


class Toy("""

OWN_NOISE = f"""noise = np.random.default_rng().uniform()
        loss, logs = {GENERATOR_LOSS.removeprefix("return ")}
        return loss * ops.where(tools.step > 0, noise, 1.0), logs
"""

PADDED = f"""images = {SAMPLE.removeprefix("return ")}
        pad = (-images.shape[1]) % 8 // 2
        return ops.pad(images, ((0, 0), (pad, pad), (pad, pad), (0, 0)))
"""

SECOND_PHASE = (
    'Phase("generator", self.generator_loss, ("generator",), other),',
    ' Phase("second", self.dead_loss, ("generator",), keras.optimizers.Adam(0.002)),',
)

DEAD_LOSS = """    def dead_loss(self, nets, batch, tools):
        return ops.mean(ops.round(nets["generator"](batch["z"], training=True))), {}

"""

SETS_FLOATX = f"""{SAMPLE.replace("return", "images =")}
        keras.config.set_floatx("float64")
        return images
"""

DOUBLE = f"""{UNUSED}

    @field_validator("depth", mode="before")
    @classmethod
    def double(cls, value):
        return 2 * value
"""

Fault = tuple[str, str, tuple[tuple[str, str, str], ...]]

BROKEN: dict[str, Fault] = {
    "imports Keras at every start": (
        "entry_module_imports_no_keras",
        "move the model and whatever needs Keras to modules of their own",
        (("init", "import zoo_core", "import keras\nimport zoo_core"),),
    ),
    "doubles an option": (
        "options_survive_toml",
        "'depth' was 4 and came back as 8",
        (("options", UNUSED, DOUBLE),),
    ),
    "takes any option": (
        "unknown_options_are_refused",
        "Options(no_such_option=1) was taken",
        (("options", "(zoo_core.Options):", "(zoo_core.Options):\n    model_config = {'extra': 'allow'}"),),
    ),
    "refuses a shape by another error": (
        "networks_build_or_refuse_a_shape",
        "Expected networks at 64x64x3, or UnsupportedShape. Seen: ValueError in zoo_toy/model.py, line 21: too large.",
        (("model", REFUSAL, 'ValueError("too large")'),),
    ),
    "has Keras' dropout": (
        "layers_fit_the_engine",
        "use zoo_core.models.layers.Dropout",
        (("model", HIDDEN, f"{HIDDEN}\n        x = layers.Dropout(0.5)(x)"),),
    ),
    "has a loss for each image": (
        "losses_are_finite_named_scalars",
        "Seen: 'loss' of shape (4, 1) in phase 'generator'",
        (("model", GENERATOR_LOSS, "return ops.softplus(-fake), {}"),),
    ),
    "changes a network that it does not train": (
        "phases_change_only_what_they_train",
        "Expected phase 'generator' to change nothing but 'generator'",
        (("model", "class Toy(", COUNTER), ("model", HIDDEN, f"{HIDDEN}\n        x = Counter()(x)")),
    ),
    "does not augment what it generates": (
        "discriminators_see_augmented_images",
        "in phase 'generator', 4 of 4 images of one call have not",
        (("model", f"{GENERATED}        fake = {JUDGED}", f"{GENERATED}        fake = {UNSEEN}"),),
    ),
    "computes in float32 only": (
        "mixed_precision_trains",
        "only in float32",
        (
            (
                "model",
                FIRST,
                f"assert keras.config.dtype_policy().name == 'float32', 'only in float32'\n        {FIRST}",
            ),
        ),
    ),
    "gives samples outside of [-1, 1]": (
        "samples_are_images",
        "Expected samples in [-1, 1]. Seen: values in [",
        (("model", SAMPLE, SAMPLE.replace("return", "return 9 *")),),
    ),
    "ignores the seed": (
        "a_seed_decides_the_samples",
        "Seen: the same ones from seeds 1 and 2",
        (("model", NOISE, "ops.ones((count, 3))"),),
    ),
    "has samples that depend on those beside them": (
        "samples_do_not_depend_on_the_batch",
        "compute no mean over the batch",
        (("model", SAMPLE, f"z = {NOISE}\n        {SAMPLE.replace(NOISE, 'z - ops.mean(z, axis=0)')}"),),
    ),
    "looks at labels in secret": (
        "labels_are_ignored_where_said_so",
        "without labels KeyError in zoo_toy/model.py, line ",
        (("model", GENERATOR_LOSS, "return ops.mean(ops.softplus(-fake)) * (1 + batch['labels'][0]), {}"),),
    ),
    "keeps what it learnt on itself": (
        "a_saved_model_gives_the_same_samples",
        "keep everything that is learnt in the weights of the networks",
        (
            ("model", GENERATOR_LOSS, f"self.scale = 1.0\n        {GENERATOR_LOSS}"),
            ("model", "inference =", "scale = 0.5\n    inference ="),
            ("model", SAMPLE, SAMPLE.replace("return", "return self.scale *")),
        ),
    ),
    "has noise of its own while training": (
        "a_resumed_run_equals_an_uninterrupted_one",
        "draw all noise from `tools`",
        (("model", GENERATOR_LOSS, OWN_NOISE),),
    ),
    "seeds NumPy": (
        "no_global_state_is_left",
        "Seen: the random state of NumPy changed",
        (("model", FIRST, f"np.random.seed(0)\n        {FIRST}"),),
    ),
}
"""What is wrong: the check that finds it, a part of its message, and what is replaced in the good model."""

OTHERWISE_BROKEN: dict[str, Fault] = {
    "has an option that may be None and is not": (
        "options_survive_toml",
        "make None the default of 'depth'",
        (("options", UNUSED, UNUSED.replace("int", "int | None")),),
    ),
    "refuses a shape and does not say what it takes": (
        "networks_build_or_refuse_a_shape",
        "give UnsupportedShape a second argument",
        (("model", REFUSAL, 'zoo_core.UnsupportedShape("too large")'),),
    ),
    "takes no shape": (
        "networks_build_or_refuse_a_shape",
        "Expected networks at one of 8x8x1, 28x28x1, 32x32x3, 64x64x3 at least",
        (("model", "if shape[0] > 32:", "if shape[0]:"),),
    ),
    "has Keras' spectral normalization": (
        "layers_fit_the_engine",
        "use zoo_core.models.layers.SpectralNormalization",
        (("model", HIDDEN, NORMALIZED.replace("Spectral", "layers.Spectral")),),
    ),
    "returns a loss and nothing to log": (
        "losses_are_finite_named_scalars",
        "return `loss, {}` where there is nothing to log",
        (("model", GENERATOR_LOSS, GENERATOR_LOSS.removesuffix(", {}")),),
    ),
    "has a loss that is NaN": (
        "losses_are_finite_named_scalars",
        "'loss' is nan in phase 'generator', before any training",
        (("model", GENERATOR_LOSS, "return ops.log(ops.mean(fake) * 0 - 1), {}"),),
    ),
    "has a loss that becomes infinite": (
        "losses_are_finite_named_scalars",
        "The loss of phase 'generator' is -inf at step 3.",
        (("model", GENERATOR_LOSS, "return ops.mean(fake) / ops.cast(tools.step < 2, 'float32'), {}"),),
    ),
    "trains a network that its loss does not see": (
        "phases_change_only_what_they_train",
        "Expected phase 'generator' to change 'generator', which it trains",
        (("model", GENERATED, f"{GENERATED}        fakes = ops.stop_gradient(fakes)\n"),),
    ),
    "has a phase that is dead, and another that is not": (
        "phases_change_only_what_they_train",
        "Expected phase 'second' to change 'generator', which it trains. Seen: the loss of this phase has no gradient",
        (
            ("model", SECOND_PHASE[0], SECOND_PHASE[0] + SECOND_PHASE[1]),
            ("model", "    def sample(", f"{DEAD_LOSS}    def sample("),
        ),
    ),
    "has weights in two networks": (
        "networks_build_or_refuse_a_shape",
        "belongs to the networks 'copy' and 'generator': let losses call one after the other",
        (("model", 'return {"gen', 'return {"copy": keras.Model(generator.input, generator.output), "gen'),),
    ),
    "gives samples of another shape": (
        "samples_are_images",
        "Seen: (5, 7, 8, 1)",
        (("model", SAMPLE, f"{SAMPLE}[:, 1:]"),),
    ),
    "gives samples of another shape for images of 28 pixels": (
        "samples_are_images",
        "Expected samples of shape (5, 28, 28, 1) where the data is 28x28x1. Seen: (5, 32, 32, 1).",
        (("model", SAMPLE, PADDED),),
    ),
    "gives samples of colour images that are gray": (
        "samples_are_images",
        "Expected samples of shape (5, 32, 32, 3) where the data is 32x32x3. Seen: (5, 32, 32, 1).",
        (("model", SAMPLE, f"{SAMPLE}[..., :1]"),),
    ),
    "can't make colour images": (
        "samples_are_images",
        " in zoo_toy/model.py, line ",
        (("model", SAMPLE, f"{SAMPLE} * ops.ones((nets['generator'].output_shape[3] + 1) // 2)"),),
    ),
    "gives NaN": (
        "samples_are_images",
        "Seen: 320 NaN and 0 infinite of 320 values",
        (("model", SAMPLE, SAMPLE.replace("return", "return np.nan *")),),
    ),
    "sets Keras' precision": (
        "no_global_state_is_left",
        "Seen: Keras' floatx changed",
        (("model", SAMPLE, SETS_FLOATX),),
    ),
    "sets an environment variable": (
        "no_global_state_is_left",
        "Seen: the environment variables changed",
        (("model", FIRST, f"os.environ['TOY'] = '1'\n        {FIRST}"),),
    ),
    "does not augment what its gradient penalty sees": (
        "discriminators_see_augmented_images",
        "in phase 'discriminator', 4 of 4 images of one call have not",
        (("model", LOSS, PENALTY.replace("tools.augment(images)", "images")),),
    ),
}
"""What these checks find too."""


def failed(results: list[CheckResult]) -> list[str]:
    return [result.check for result in results if result.outcome == "failed"]


AT_EVERY_START = "imports Keras at every start"
"""Found in a process of its own, which takes seconds; the slow tests have it too."""


@pytest.mark.parametrize("fault", [fault for fault in BROKEN | OTHERWISE_BROKEN if fault != AT_EVERY_START])
def test_a_model_that(fault: str, install_toy: Callable[..., None]):
    name, message, replacements = (BROKEN | OTHERWISE_BROKEN)[fault]
    install_toy(*replacements)
    (check,) = [check for check in CHECKS if check.__name__ == name]
    subject = Subject("toy")
    with pytest.raises(Exception, match=re.escape(message)):
        perform(check, subject)


@pytest.mark.slow
@pytest.mark.usefixtures("one_backend")
@pytest.mark.parametrize("fault", BROKEN)
def test_all_other_checks_pass_of_a_model_that(fault: str, install_toy: Callable[..., None]):
    check, message, replacements = BROKEN[fault]
    install_toy(*replacements)
    results = check_model("toy")
    assert failed(results) == [check]
    (result,) = [result for result in results if result.check == check]
    assert message in result.message


BROKEN_OF_A_KIND = {
    "labels_matter_where_required": ("conditional", f"{NOISE}, labels)", f"{NOISE}, 0 * labels)"),
    "inputs_matter_where_images_are_made_from_them": ("translating", "(inputs, training", "(0 * inputs, training"),
    "known_pixels_stay_where_images_are_inpainted": ("inpainting", "ops.where(mask > 0, images, made)", "made"),
    "latents_are_decided_by_their_image": (
        "reconstructing",
        'nets["encoder"](images, training=False)',
        'nets["encoder"](images - ops.mean(images, axis=0), training=False)',
    ),
    "latents_become_images": (
        "reconstructing",
        'nets["generator"](latents, training=False)',
        '3 + nets["generator"](latents, training=False)',
    ),
    "likelihoods_are_finite_and_never_positive": ("scoring", "return nats", "return -nats"),
    "a_seed_decides_the_likelihoods": ("scoring", "z = ops.zeros(", "z = tools.normal("),
}
"""By the check that finds it: the kind of the good model, and what is replaced in it."""


@pytest.mark.parametrize("name", BROKEN_OF_A_KIND)
def test_a_model_of_a_kind_that_breaks(install_toy: Callable[..., None], name: str):
    kind, text, other = BROKEN_OF_A_KIND[name]
    install_toy(("model", text, other), kind=kind)
    (check,) = [check for check in CHECKS if check.__name__ == name]
    with pytest.raises(CheckFailed):
        perform(check, Subject("toy"))


@pytest.mark.slow
@pytest.mark.usefixtures("one_backend")
@pytest.mark.parametrize("name", BROKEN_OF_A_KIND)
def test_all_other_checks_pass_of_a_model_of_a_kind_that_breaks(install_toy: Callable[..., None], name: str):
    kind, text, other = BROKEN_OF_A_KIND[name]
    install_toy(("model", text, other), kind=kind)
    assert failed(check_model("toy")) == [name]


INPAINTED = "return ops.where(mask > 0, images, made)"


@pytest.mark.parametrize(
    ("returned", "message"),
    [
        ("return made[:, 1:]", "Expected whole images, floats (5, 8, 8, 1). Seen: float32 (5, 7, 8, 1)"),
        (INPAINTED.replace("made", "9 + made"), "Expected inpainted images in [-1, 1]"),
        (INPAINTED.replace("made", "made * np.nan"), "Seen: values in [nan, nan]"),
        (INPAINTED.replace("made", "0.1 * images.shape[0] * ops.sign(made)"), "draw all noise from `tools`"),
    ],
)
def test_a_model_that_inpaints_otherwise_wrong(install_toy: Callable[..., None], returned: str, message: str):
    install_toy(("model", INPAINTED, returned), kind="inpainting")
    with pytest.raises(Exception, match=re.escape(message)):
        perform(known_pixels_stay_where_images_are_inpainted, Subject("toy"))


ENCODED, DECODED = 'return nets["encoder"](images, training=False)', 'return nets["generator"](latents, training=False)'


@pytest.mark.parametrize(
    ("kind", "check", "text", "other", "message"),
    [
        ("reconstructing", latents_are_decided_by_their_image, ENCODED, f"{ENCODED}[0]", "Seen: float32 (3,)"),
        ("reconstructing", latents_are_decided_by_their_image, ENCODED, f"{ENCODED} * np.nan", "Seen: 15 NaN and 0"),
        ("reconstructing", latents_become_images, DECODED, f"{DECODED}[:, 1:]", "Seen: float32 (5, 7, 8, 1)"),
        ("reconstructing", latents_become_images, DECODED, f"{DECODED} * np.nan", "Seen: values in [nan, nan]"),
        (
            "scoring",
            likelihoods_are_finite_and_never_positive,
            'likelihood = Likelihood("exact", "discrete")',
            'likelihood = "exact"',
            "Seen: 'exact'",
        ),
        (
            "scoring",
            likelihoods_are_finite_and_never_positive,
            "return nats",
            "return nats[:, None]",
            "Seen: float32 (5, 1)",
        ),
        (
            "scoring",
            likelihoods_are_finite_and_never_positive,
            "return nats",
            "return nats - np.inf",
            "look for a logarithm of 0",
        ),
        (
            "scoring",
            a_seed_decides_the_likelihoods,
            "return nats",
            "return nats - ops.mean(nats)",
            "compute no mean over the batch",
        ),
    ],
    ids=lambda value: value.__name__ if callable(value) else "",
)
def test_a_model_of_another_task_that_breaks_otherwise(
    install_toy: Callable[..., None], kind: str, check: Check, text: str, other: str, message: str
):
    install_toy(("model", text, other), kind=kind)
    with pytest.raises(Exception, match=re.escape(message)):
        perform(check, Subject("toy"))


def test_a_model_with_noise_in_its_latents(install_toy: Callable[..., None]):
    dropout = (
        "model",
        "x = layers.Dense(3)(layers.Flatten()(images))",
        "x = layers.Dense(3)(layers.Flatten()(images))\n        x = Dropout(0.5)(x)",
    )
    install_toy(dropout, ("model", ENCODED, ENCODED.replace("False", "True")), kind="reconstructing")
    with pytest.raises(CheckFailed, match="Expected the same latents whatever the noise"):
        perform(latents_are_decided_by_their_image, Subject("toy"))


def test_a_bound_may_take_noise(install_toy: Callable[..., None]):
    bound = ("model", 'Likelihood("exact"', 'Likelihood("lower bound"')
    install_toy(bound, ("model", "z = ops.zeros(", "z = tools.normal("), kind="scoring")
    perform(a_seed_decides_the_likelihoods, Subject("toy"))


NO_INPUTS, NO_MASK = "inputs_matter_where_images_are_made_from_them", "known_pixels_stay_where_images_are_inpainted"
NO_LATENTS = {"latents_are_decided_by_their_image", "latents_become_images"}
NO_LIKELIHOOD = {"likelihoods_are_finite_and_never_positive", "a_seed_decides_the_likelihoods"}
NO_TASK = {NO_INPUTS, NO_MASK, *NO_LATENTS, *NO_LIKELIHOOD}
INAPPLICABLE = {
    "plain": {"labels_matter_where_required", *NO_TASK},
    "conditional": {"labels_are_ignored_where_said_so", *NO_TASK},
    "translating": {"labels_matter_where_required", *NO_TASK} - {NO_INPUTS},
    "inpainting": {"labels_matter_where_required", *NO_TASK} - {NO_MASK},
    "reconstructing": {"labels_matter_where_required", *NO_TASK} - NO_LATENTS,
    "scoring": {"labels_matter_where_required", *NO_TASK} - NO_LIKELIHOOD,
}


@pytest.mark.usefixtures("one_backend")
@pytest.mark.parametrize(
    "kind", ["plain", *(pytest.param(kind, marks=pytest.mark.slow) for kind in INAPPLICABLE if kind != "plain")]
)
def test_a_good_model_passes(install_toy: Callable[..., None], kind: str):
    install_toy(kind=kind)
    results = check_model("toy")
    skipped = {result.check: result.message for result in results if result.outcome == "skipped"}
    assert skipped.keys() == INAPPLICABLE[kind] | {"runs_on_jax", "runs_on_torch", "runs_on_tensorflow"}
    assert [result for result in results if result.outcome not in ("passed", "skipped")] == []


def test_a_model_that_makes_images_larger_is_checked_on_smaller_inputs(install_toy: Callable[..., None]):
    refuses = "if data.fields['inputs'].shape == shape:\n            raise zoo_core.UnsupportedShape('no', 'Half.')"
    install_toy(("model", FIRST, f"{FIRST}\n        {refuses}"), kind="translating")
    subject = Subject("toy")
    assert str(subject.sizes) == "8x8x1 from 4x4x1"
    assert subject.images.shape == (COUNT, 8, 8, 1)
    inputs, images = (striped_images(subject.sizes).inputs("train"), striped_images(subject.sizes).images("train"))
    assert inputs is not None
    assert inputs[0, :, 0, 0].tolist() == [35, 225] * 2  # the stripes, of which every second row is left, inverted
    assert (images[:, :2] > 180).all()


@pytest.mark.parametrize(
    ("inputs", "seen", "pair"),
    [
        ("keras.Input((*shape[:2], 2 * shape[2]))", "images", "ops.concatenate([{}, {}], axis=-1)"),
        ("[keras.Input(shape), keras.Input(shape)]", "layers.Concatenate()(images)", "[{}, {}]"),
    ],
    ids=["joined", "listed"],
)
@pytest.mark.parametrize(
    ("beside", "fault"),
    [
        ('batch["images"]', "in phase 'discriminator', 4 of 4 images of one call have not"),
        ("fakes", "in phase 'discriminator', 4 of 4 images of one call have not"),
        ('tools.augment(batch["images"])', None),
        ("ops.ones_like(fakes)", None),  # of one value, as the channel of a label
    ],
)
def test_a_discriminator_of_pairs(
    install_toy: Callable[..., None], inputs: str, seen: str, pair: str, beside: str, fault: str | None
):
    judged = ("tools.augment(fakes)", 'tools.augment(batch["images"])')
    pairs = [("model", f"({one}, training", f"({pair.format(one, beside)}, training") for one in judged]
    install_toy(
        ("model", "images = keras.Input(shape)", f"images = {inputs}"),
        ("model", HIDDEN, HIDDEN.replace("(images)", f"({seen})")),
        *pairs,
    )
    with pytest.raises(CheckFailed, match=fault) if fault else nullcontext():
        perform(networks_and_losses.discriminators_see_augmented_images, Subject("toy"))


@pytest.mark.parametrize(("each", "fault"), [(1e-5, None), (1e-3, "Seen: a difference of 0.003 in")])
def test_images_that_are_all_alike_may_differ_by_what_is_rounded_off(
    install_toy: Callable[..., None], each: float, fault: str | None
):
    install_toy(("model", SAMPLE, f"{SAMPLE.replace('return', 'return 0.001 *')} + {each} * count"))
    with pytest.raises(CheckFailed, match=fault) if fault else nullcontext():
        perform(samples_do_not_depend_on_the_batch, Subject("toy"))


@pytest.mark.parametrize(
    ("package", "change", "piece"),
    [
        ("jax", "jax.config.update('jax_enable_x64', True)", "the settings of JAX"),
        ("torch", "torch.manual_seed(0)", "the random state of torch"),
    ],
)
def test_a_model_that_changes_what_a_package_keeps(
    install_toy: Callable[..., None], package: str, change: str, piece: str
):
    pytest.importorskip(package)
    install_toy(("model", FIRST, f"import {package}\n        {change}\n        {FIRST}"))
    changed: set[str] = set()
    with watched(changed), pytest.raises(CheckFailed, match=f"Seen: {piece} changed"):
        perform(no_global_state_is_left, Subject("toy"))
    assert changed == set()  # it was put back


@pytest.mark.skipif(keras.backend.backend() == "torch", reason="loops of torch are those of Python")
def test_a_sampler_whose_loop_changes_the_type_of_what_it_carries(install_toy: Callable[..., None]):
    start = f'z = {NOISE}\n        start = ops.zeros((count, *nets["generator"].output_shape[1:]))\n        '
    loop = 'return ops.fori_loop(0, 2, lambda i, x: nets["generator"](z, training=False), start)'
    install_toy(("model", SAMPLE, start + loop))
    subject = Subject("toy")
    perform(samples_are_images, subject)
    with pytest.raises(Exception, match="bfloat16"):
        perform(networks_and_losses.mixed_precision_trains, subject)


def test_what_the_zoo_has_to_build_with_passes(install_toy: Callable[..., None]):
    install_toy(("model", HIDDEN, f"{NORMALIZED}\n        x = Dropout(0.5)(x)"), ("model", LOSS, PENALTY))
    subject = Subject("toy")
    for check in networks_and_losses.CHECKS:
        perform(check, subject)


SLOW = "training_brings_samples_closer"


@pytest.mark.usefixtures("one_backend")
@pytest.mark.slow
@pytest.mark.parametrize("sign", ["-", ""])
def test_a_model_that_learns_the_wrong_way(install_toy: Callable[..., None], sign: str):
    install_toy(("model", "ops.softplus(-fake)", f"ops.softplus({sign}fake)"))
    assert failed(check_model("toy", slow=True)) == ([] if sign else [SLOW])


ELSEWHERE = "('pytest' not in sys.modules)"
"""True in the process of another backend."""

ON_ANOTHER_BACKEND = {
    "'generator/loss'": (GENERATOR_LOSS, f"return ops.mean(ops.softplus(-fake)) + {ELSEWHERE}, {{}}"),
    "images": (SAMPLE, f"{SAMPLE} * (1 - 0.5 * {ELSEWHERE})"),
    "": (SAMPLE, SAMPLE),
}
"""What differs there, and what is replaced in the good model."""


@pytest.mark.slow
@pytest.mark.parametrize("differs", ON_ANOTHER_BACKEND)
@pytest.mark.parametrize("check", backends.CHECKS, ids=lambda check: check.__name__)
def test_a_model_that_differs_on_another_backend(
    install_toy: Callable[..., None], monkeypatch: pytest.MonkeyPatch, check: Check, differs: str
):
    name = check.__name__.removeprefix("runs_on_")
    if find_spec(name) is None:
        pytest.skip(f"{name} is not installed")
    here = "here" if name == keras.backend.backend() else keras.backend.backend()
    monkeypatch.setattr(backends, "backend", lambda: SimpleNamespace(name=here))
    install_toy(("model", "import math", "import math\nimport sys"), ("model", *ON_ANOTHER_BACKEND[differs]))
    subject = Subject("toy")
    subject.made["run"] = None, None  # the check needs no more than that it is there
    message = f"Expected the first {differs} on {name} to be .* on {here}"
    with pytest.raises(CheckFailed, match=message) if differs else nullcontext():
        perform(check, subject)


def test_every_check_has_a_broken_model():
    of_backends = {check.__name__ for check in backends.CHECKS}
    found = {check for check, _, _ in BROKEN.values()} | BROKEN_OF_A_KIND.keys() | of_backends | {SLOW}
    assert found == {check.__name__ for check in CHECKS + SLOW_CHECKS}
