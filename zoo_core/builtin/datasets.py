"""The data sets of the core."""

from dataclasses import replace

from zoo_core.specs import DatasetSpec

_TARGET = "zoo_core.data.builtin.loading:open_builtin"
_AT_HAND = "zoo_core.data.builtin.loading:at_hand"

_DIGITS = tuple("0123456789")
_FASHION_CLASSES = "T-shirt/top,Trouser,Pullover,Dress,Coat,Sandal,Shirt,Sneaker,Bag,Ankle boot"
_HIRAGANA = "o ki su tsu na ha ma ya re wo"
_CIFAR10_CLASSES = "airplane automobile bird cat deer dog frog horse ship truck"
_CIFAR100_CLASSES = """
    apple aquarium_fish baby bear beaver bed bee beetle bicycle bottle bowl boy bridge bus butterfly camel can castle
    caterpillar cattle chair chimpanzee clock cloud cockroach couch crab crocodile cup dinosaur dolphin elephant
    flatfish forest fox girl hamster house kangaroo keyboard lamp lawn_mower leopard lion lizard lobster man maple_tree
    motorcycle mountain mouse mushroom oak_tree orange orchid otter palm_tree pear pickup_truck pine_tree plain plate
    poppy porcupine possum rabbit raccoon ray road rocket rose sea seal shark shrew skunk skyscraper snail snake spider
    squirrel streetcar sunflower sweet_pepper table tank telephone television tiger tractor train trout tulip turtle
    wardrobe whale willow_tree wolf woman worm
"""

_MNIST = DatasetSpec(
    name="mnist",
    summary="handwritten digits (LeCun et al., 1998)",
    target=_TARGET,
    shape=(28, 28, 1),
    classes=_DIGITS,
    splits={"train": 55_000, "validation": 5_000, "test": 10_000},
    origin="keras.datasets",
    download="by keras.datasets, from storage.googleapis.com",
    at_hand=_AT_HAND,
    files=(
        "train-images-idx3-ubyte.gz, train-labels-idx1-ubyte.gz, t10k-images-idx3-ubyte.gz and "
        "t10k-labels-idx1-ubyte.gz",
    ),
)
_CIFAR10 = DatasetSpec(
    name="cifar10",
    summary="animals and vehicles, 10 classes (Krizhevsky, 2009)",
    target=_TARGET,
    shape=(32, 32, 3),
    classes=tuple(_CIFAR10_CLASSES.split()),
    splits={"train": 45_000, "validation": 5_000, "test": 10_000},
    origin="keras.datasets",
    download="by keras.datasets, from www.cs.toronto.edu",
    at_hand=_AT_HAND,
    megabytes=170,  # 170,498,071 bytes, the size of the file whose hash keras.datasets compares with
    files=("cifar-10-binary.tar.gz or cifar-10-batches-bin", "cifar-10-python.tar.gz or cifar-10-batches-py"),
)

DATASETS = (
    DatasetSpec(
        name="digits",
        summary="handwritten digits of the UCI repository, 8x8 brought to 16x16; digits@8 is the native size",
        target=_TARGET,
        shape=(16, 16, 1),
        native=(8, 8),
        classes=_DIGITS,
        splits={"train": 1294, "validation": 144, "test": 359},
        origin="scikit-learn",
    ),
    _MNIST,
    replace(
        _MNIST,
        name="fashion_mnist",
        summary="articles of clothing (Xiao et al., 2017)",
        classes=tuple(_FASHION_CLASSES.split(",")),
    ),
    replace(
        _MNIST,
        name="kmnist",
        summary="handwritten hiragana of old Japanese books (Clanuwat et al., 2018)",
        classes=tuple(_HIRAGANA.split()),
        origin="github.com/rois-codh/kmnist",
        download="by hand, from github.com/rois-codh/kmnist, into the folder of --data-dir",
        megabytes=20,  # 17 and 3, as the README there has it
    ),
    _CIFAR10,
    replace(
        _CIFAR10,
        name="cifar100",
        summary="things and creatures, 100 fine classes (Krizhevsky, 2009)",
        classes=tuple(_CIFAR100_CLASSES.split()),
        megabytes=None,
        files=("cifar-100-binary.tar.gz or cifar-100-binary", "cifar-100-python.tar.gz or cifar-100-python"),
    ),
    DatasetSpec(
        name="lfw_subset",
        summary="faces, and patches that are none, of Labeled Faces in the Wild (Huang et al., 2007)",
        target=_TARGET,
        shape=(25, 25, 1),
        classes=("face", "background"),
        splits={"train": 144, "validation": 16, "test": 40},
        origin="scikit-image",
    ),
    DatasetSpec(
        name="sample_images",
        summary="32x32 patches of two photographs, of a Chinese palace and of a flower",
        target=_TARGET,
        shape=(32, 32, 3),
        classes=("china", "flower"),
        splits={"train": 374, "validation": 42, "test": 104},
        origin="scikit-learn",
    ),
)
