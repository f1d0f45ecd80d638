from zoo_core.testing import parametrize_with_checks


@parametrize_with_checks(["histogram"])
def test_conformance(check):
    check()
