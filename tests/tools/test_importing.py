"""A file read twice: what is skipped, what is handed in with which place, and what is read meanwhile."""

import asyncio
from datetime import UTC, datetime
from io import BufferedReader, BytesIO

import pytest

from engine.tools.cells import BadCell
from engine.tools.importing import Table, bring_in, digest_of, weigh
from engine.tools.seen import Seen
from engine.tools.spool import Spool
from engine.tools.table_file import Rejected, TableRow

AS_OF = datetime(2026, 1, 10, 12, tzinfo=UTC)


def a_file(text=b""):
    return BufferedReader(BytesIO(text))


def table(count):
    def read(row, as_of):
        if row.cells["n"] == 3:
            raise BadCell("n", "three")
        return row.cells["n"], as_of

    return Table(rows=lambda _: (TableRow(line=n + 2, cells={"n": n}) for n in range(count)), read=read)


def numbers(items):
    return [item[0] if not isinstance(item, Rejected) else item.column for item in items]


def test_each_row_is_a_moment_newer_than_the_one_before():
    found = list(table(6).items(a_file(), AS_OF))
    assert numbers(found) == [0, 1, 2, "n", 4, 5]
    assert [item[1].microsecond for item in found if not isinstance(item, Rejected)] == [0, 1, 2, 4, 5]


def test_what_is_kept_comes_back_as_it_was_put_in_from_anywhere_on():
    spool = Spool()
    spool.add(("k", number) for number in range(5))
    spool.add([("a", 5)])
    assert list(spool.ordered()) == [0, 1, 2, 3, 4, 5]
    assert list(spool.ordered(4)) == [4, 5]
    spool.close()


def test_much_comes_back_in_the_order_of_its_keys_and_the_same_key_as_it_was_put_in(monkeypatch):
    monkeypatch.setattr("engine.tools.spool.SORTED_FROM", 6)
    spool = Spool()
    spool.add((key, (key, 9 - number)) for number, key in enumerate("cabcab"))
    expected = [("a", 8), ("a", 5), ("b", 7), ("b", 4), ("c", 9), ("c", 6)]
    assert list(spool.ordered()) == expected
    assert list(spool.ordered(3)) == expected[3:]
    spool.close()


def test_weighing_counts_the_good_and_names_the_bad():
    counted, bad, steps = [], [], []
    weighed = weigh(table(6).items(a_file(), AS_OF), counted.extend, bad.append, lambda: steps.append(1))
    assert (weighed.good, weighed.bad, len(counted), steps) == (5, 1, 5, [1])
    assert [(one.line, one.column, one.reason) for one in bad] == [(5, "n", "three")]


async def test_batches_are_handed_in_one_after_the_other_with_their_places():
    handed, under_way = [], []

    async def hand_in(batch, rows, last):
        under_way.append(rows)
        assert len(under_way) == 1
        await asyncio.sleep(0)
        under_way.pop()
        handed.append((list(batch), rows, last))
        return len(batch)

    steps = []
    total = await bring_in(iter("bcdefgh"), hand_in, rows=1, size=3, progress=steps.append)
    assert handed == [(["b", "c", "d"], 4, False), (["e", "f", "g"], 7, False), (["h"], 8, True)]
    assert (total, steps) == (7, [4, 7, 8])


async def test_an_empty_file_is_brought_to_its_end():
    async def hand_in(batch, rows, last):
        return [(list(batch), rows, last)]

    assert await bring_in(iter(()), hand_in, rows=0, size=3, progress=lambda _: None) == [([], 0, True)]


async def test_while_one_batch_is_written_the_next_is_read():
    order = []

    def items():
        for number in range(4):
            order.append(f"read {number}")
            yield number

    async def hand_in(batch, rows, _last):
        order.append(f"begin {batch}")
        await asyncio.sleep(0)
        order.append(f"end {batch}")
        return rows

    await bring_in(items(), hand_in, rows=0, size=1, progress=lambda _: None)
    assert order.index("begin [0]") < order.index("read 2") < order.index("end [0]")


async def test_what_goes_wrong_while_handing_in_stops_it():
    async def hand_in(batch, _rows, _last):
        raise RuntimeError(f"no room for {batch}")

    with pytest.raises(RuntimeError, match=r"no room for \[0\]"):
        await bring_in(iter(range(9)), hand_in, rows=0, size=1, progress=lambda _: None)


def test_a_file_is_known_by_content_and_manner():
    assert digest_of(a_file(b"id\n1\n"), "csv") == digest_of(a_file(b"id\n1\n"), "csv")
    assert digest_of(a_file(b"id\n1\n"), "csv") != digest_of(a_file(b"id\n2\n"), "csv")
    assert digest_of(a_file(b"id\n1\n"), "csv") != digest_of(a_file(b"id\n1\n"), "jsonl")


def test_things_are_counted_once_by_whatever_name():
    seen = Seen()
    assert seen.add([("a",), ("b", "c"), ("a",)]) == [True, True, False]
    assert seen.add([("c",), ("d",)]) == [False, True]
    assert seen.count == 3
    seen.close()
