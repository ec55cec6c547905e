from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.errors import EmbertextError
from data.partitions import GRAINS, around, between, fill, folders, parse, resolve, within

MOMENTS = st.datetimes(datetime(1900, 1, 8), datetime(2199, 12, 20))
PARTITIONS = st.builds(around, MOMENTS, st.sampled_from(GRAINS))
AT = datetime(2026, 3, 1, 0, 30, tzinfo=UTC)  # a Sunday


@given(PARTITIONS)
def test_a_partition_is_what_its_name_says(partition):
    assert parse(str(partition)) == partition
    assert around(partition.start, partition.grain) == partition
    assert around(partition.stop - timedelta(microseconds=1), partition.grain) == partition
    assert around(partition.stop, partition.grain).start == partition.stop


@given(MOMENTS, st.sampled_from(GRAINS), st.sampled_from(GRAINS))
def test_what_is_covered(moment, one, other):
    large, small = sorted((around(moment, one), around(moment, other)), key=lambda each: each.start - each.stop)
    assert large.covers(large)
    assert large.covers(small) or "week" in (one, other), "only weeks lie across months"
    assert not small.covers(large) or large[1] == small[1]


@given(PARTITIONS, PARTITIONS, st.sampled_from(GRAINS))
def test_a_range_has_no_gaps(one, other, every):
    first, last = sorted((one, other), key=lambda each: each.start)
    found = [each for each, _ in zip(between(first, last, every), range(500), strict=False)]
    assert found[0].start <= first.start < found[0].stop
    assert all(each.stop == following.start for each, following in pairwise(found))
    if len(found) < 500:
        assert found[-1].start < last.stop <= found[-1].stop


@pytest.mark.parametrize(
    ("first", "last", "every", "expected"),
    [
        ("2026-01-01", "2026-06-30", "month", ["2026-01", "2026-02", "2026-03", "2026-04", "2026-05", "2026-06"]),
        ("2024-02-28", "2024-03-01", "day", ["2024-02-28", "2024-02-29", "2024-03-01"]),
        ("2023-02", "2023-02", "day", [f"2023-02-{day:02}" for day in range(1, 29)]),
        ("2026-12-21", "2027-01-10", "week", ["2026-W52", "2026-W53", "2027-W01"]),
        ("2024-12-30", "2025-01-05", "week", ["2025-W01"]),
        ("2025-11", "2026-02", "quarter", ["2025-Q4", "2026-Q1"]),
        ("2026-03-29", "2026-03-29", "hour", [f"2026-03-29T{hour:02}" for hour in range(24)]),
        ("2026-02", "2026-01", "day", []),
    ],
)
def test_ranges(first, last, every, expected):
    assert list(map(str, between(parse(first), parse(last), every))) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2026-02-29",
        "2026-13",
        "2026-W54",
        "2025-W53",
        "2026-Q5",
        "2026-01-31T24",
        "26-01-31",
        "2026-1-31",
        "2026-01-٣١",
    ],
)
def test_what_no_calendar_has(text):
    with pytest.raises(EmbertextError, match="write it as 2026-01-31T05"):
        parse(text)


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("2026-W05", "2026-W05"),
        ("today", "2026-03-01"),
        ("yesterday", "2026-02-28"),
        ("yesterday America/New_York", "2026-02-27"),
        ("this month", "2026-03"),
        ("this month America/New_York", "2026-02"),
        ("last month  America/New_York", "2026-01"),
        ("last week", "2026-W08"),
        ("last quarter", "2025-Q4"),
        ("last year", "2025"),
        ("2 days ago", "2026-02-27"),
        ("1 month ago", "2026-02"),
        ("this hour", "2026-03-01T00"),
        ("last hour", "2026-02-28T23"),
        ("last hour Asia/Kolkata", "2026-03-01T05"),
    ],
)
def test_words(words, expected):
    assert str(resolve(words, AT)) == expected


def test_days_on_which_clocks_change():
    london = ZoneInfo("Europe/London")
    for day, hours in ((datetime(2026, 3, 29), 23), (datetime(2026, 10, 25), 25)):
        midnight = day.replace(tzinfo=london).astimezone(UTC)
        told = [midnight + timedelta(hours=passed, minutes=30) for passed in range(hours)]
        assert {str(resolve("today Europe/London", at)) for at in told} == {f"{day:%Y-%m-%d}"}
        assert str(resolve("yesterday Europe/London", told[-1])) == f"{day - timedelta(days=1):%Y-%m-%d}"
        assert str(resolve("today Europe/London", told[-1] + timedelta(hours=1))) != f"{day:%Y-%m-%d}"
        assert len({str(resolve("this hour Europe/London", at)) for at in told}) == min(24, hours)
    spring = datetime(2026, 3, 29, 1, 30, tzinfo=UTC)  # 02:30 there
    assert str(resolve("last hour Europe/London", spring)) == "2026-03-29T00", "01:00 is no hour of that day"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("last fortnight", "fortnight is none of hour, day"),
        ("yesterday Europe/Lundon", "no such time zone"),
        ("yesterday Europe", "no such time zone"),
        ("tomorrow", "is no partition; write it as .*; or as today"),
        ("2026-02-30", "day is out of range"),
    ],
)
def test_other_words(words, message):
    with pytest.raises(EmbertextError, match=message) as caught:
        resolve(words, AT)
    assert "\n" not in str(caught.value)


def test_places():
    assert fill("s3://b/{partition}/a-{partition}.txt", "2026-01") == "s3://b/2026-01/a-2026-01.txt"
    days = [f"s3://b/news/dt=2026-01-{day:02}/a.txt" for day in (1, 2, 31)] + ["s3://b/news/dt=2026-02-01/a.txt"]
    others = ["s3://b/news/README.txt", "s3://b/news/dt=new/a.txt", "s3://b/news/x-dt=2026-01-01/a.txt"]
    assert within(days + others, parse("2026-01")) == days[:3]
    assert within(days + others, parse("2026-01-31")) == [days[2]]
    assert within(days, parse("2026-01-31T05")) == []
    assert within(days, parse("2026")) == days
    assert folders("/a/dt=2026-01/dt=2026-01-05/x", below="/a/dt=2026-01") == [parse("2026-01-05")]
    assert folders("/a/dt=2026-01/dt=2026-01-05/x", below="/a/dt=*/") == [parse("2026-01"), parse("2026-01-05")]
    assert folders("/a/dt=2026-01-05/x.txt", below="/a/dt=2026-01-05/x.txt") == []
