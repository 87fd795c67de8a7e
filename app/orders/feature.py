"""What `main.FEATURES` takes of this package."""

from app.orders.channels import AllOrders, OneOrder
from app.orders.router import router
from app.realtime.channels import Feature

FEATURE = Feature("orders", routers=(router,), policies=(AllOrders(), OneOrder()))
