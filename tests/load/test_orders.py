"""What is written, and in which order."""

from itertools import islice

from load.orders import STEPS, OpenOrder, OrderBook, read_northwind


def test_the_bodies_are_orders_as_the_contract_has_them() -> None:
    bodies = read_northwind()
    assert len(bodies) > 100
    first = bodies[0]
    assert set(first) == {"currency", "note", "items"}
    assert first["items"][0] == {
        "sku": "NW-011",
        "name": "Queso Cabrales",
        "quantity": 12,
        "unit_price": "14.00",
    }


def test_a_sku_stands_once_in_each_order() -> None:
    for body in read_northwind():
        skus = [item["sku"] for item in body["items"]]
        assert len(skus) == len(set(skus)) > 0


def test_an_empty_book_asks_for_a_new_order() -> None:
    book = OrderBook()
    assert list(islice(iter(book.next_move, 0), 5)) == [None] * 5


def test_every_fifth_write_is_a_new_order_and_the_oldest_idle_one_moves_first() -> None:
    book = OrderBook()
    for name in "abcdef":
        book.put_back(OpenOrder(name, '"1"'))
    moves = [book.next_move() for _ in range(7)]
    assert [move.id if move else None for move in moves] == [None, "a", "b", "c", "d", None, "e"]


def test_an_order_being_written_to_is_out_of_the_book() -> None:
    book = OrderBook()
    book.put_back(OpenOrder("a", '"1"'))
    assert [bool(book.next_move()) for _ in range(4)] == [False, True, False, False]


def test_an_order_at_the_end_of_its_course_does_not_come_back() -> None:
    book = OrderBook()
    done = OpenOrder("a", '"5"')
    for step in STEPS:
        assert done.steps.popleft() == step
    book.put_back(done)
    assert [book.next_move() for _ in range(4)] == [None] * 4
