"""What the rest of the application takes of orders."""

from fastapi.routing import APIRoute

from app.main import FEATURES
from app.orders.feature import FEATURE


def test_the_application_has_the_feature() -> None:
    assert FEATURE in FEATURES


def test_its_calls_lie_below_orders() -> None:
    routes = [route for router in FEATURE.routers for route in router.routes]
    paths = [route.path for route in routes if isinstance(route, APIRoute)]

    assert paths
    assert all(path.startswith("/orders") for path in paths)


def test_its_channels_are_all_orders_and_one_order() -> None:
    kinds = {(policy.namespace, policy.keyed) for policy in FEATURE.policies}

    assert kinds == {("orders", False), ("orders", True)}
