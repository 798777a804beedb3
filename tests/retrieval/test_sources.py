import pytest

from codelab.retrieval.sources import is_source


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("src/shop/cart.py", True),
        ("lib/testing_ground.dart", True),
        ("tokio/src/net/udp.rs", True),
        ("src/protest/march.go", True),
        ("tests/cart.py", False),
        ("src/test_cart.py", False),
        ("server/cart_test.go", False),
        ("web/cart.spec.ts", False),
        ("core/src/CartTest.java", False),
        ("docs/cart.py", False),
        ("examples/shop/cart.rs", False),
        ("api/cart_pb2.py", False),
        ("README.md", False),
    ],
)
def test_tests_documents_and_copies_are_no_sources(path: str, expected: bool) -> None:
    assert is_source(path) is expected
