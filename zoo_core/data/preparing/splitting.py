"""Which images train, validate and test, where the source does not say so."""

import numpy as np

from zoo_core.data.dataset import carve, carve_all, carve_validation
from zoo_core.data.preparing.ledger import Ledger
from zoo_core.data.preparing.rules import Rules
from zoo_core.errors import UsageError

_QUERY = """
SELECT id, label FROM images WHERE state = 'good' AND alike IS NULL AND (split = 'train' OR split IS NULL)
ORDER BY path, id
"""
_THE_REST = "UPDATE images SET split = 'train' WHERE state = 'good' AND split IS NULL AND alike IS NULL"
_WITH_THE_KEPT = """
UPDATE images SET split = (SELECT kept.split FROM images AS kept WHERE kept.id = images.alike)
WHERE state = 'good' AND alike IS NOT NULL
AND (split IS NULL OR split = 'train' AND alike IN (SELECT id FROM images WHERE split = 'validation'))
"""


def divide(ledger: Ledger, rules: Rules) -> None:
    """Give each good image its split. Each class gives its share of the images that are divided here, and of those that
    are alike all go where the first goes. To be called within a transaction.

    Raises:
        UsageError: where too few images are left.
    """
    given = ledger.counts("split", "state = 'good'")
    whole = all(split is None for split in given)
    if whole or "validation" not in given:
        ids, labels = _to_divide(ledger)
        least = 3 if whole else 2
        if len(ids) < least:
            raise UsageError(
                f"At least {least} good images are needed, {'one of each split' if whole else 'of them in train'}; "
                f"there are {len(ids)}.",
                _why(ledger),
            )
        parts = _carved(len(ids), labels, rules) if whole else carve_validation(len(ids), labels)
        for split, places in parts.items():
            rows = ((split, int(ids[place])) for place in places)
            ledger.execute_many("UPDATE images SET split = ? WHERE id = ?", rows)
    ledger.execute(_THE_REST)
    ledger.execute(_WITH_THE_KEPT)
    if missing := {"train", "validation", "test"} - set(ledger.counts("split", "state = 'good'")):
        raise UsageError(f"No good image is left for {' and '.join(sorted(missing))}.", _why(ledger))


def _why(ledger: Ledger) -> str:
    found = ledger.counts("state", "state != 'good'")
    return f"Set aside: {', '.join(f'{count} {reason}' for reason, count in found.items())}." if found else ""


def _to_divide(ledger: Ledger) -> tuple[np.ndarray, np.ndarray]:
    """Numbers of images, and those of their labels, in an order that does not depend on the sources'."""
    codes: dict[str | None, int] = {}
    pairs = ((number, codes.setdefault(label, len(codes))) for number, label in ledger.stream(_QUERY))
    both = np.fromiter(pairs, np.dtype((np.int64, 2)))  # (N, 2)
    names = sorted(codes, key=lambda label: label or "")
    order = np.array([names.index(label) for label in codes], np.int64)
    return both[:, 0], order[both[:, 1]]


def _carved(count: int, labels: np.ndarray, rules: Rules) -> dict[str, np.ndarray]:
    if rules.ratio is None:
        return carve_all(count, labels)
    _, validation, test = rules.ratio
    rest, tested = carve(count, max(1, round(count * test)), labels)
    train, validated = carve(len(rest), min(len(rest) - 1, max(1, round(count * validation))), labels[rest])
    return {"train": rest[train], "validation": rest[validated], "test": tested}
