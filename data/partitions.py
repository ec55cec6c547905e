"""Stretches of the calendar that a corpus comes in, and what they are called in a place.

    2026-01-31T05   an hour          2026-01   a month
    2026-01-31      a day            2026-Q1   a quarter
    2026-W05        an ISO week      2026      a year

A partition is a name, without a time zone: which moments belong to it is settled by whoever laid the data out. A place
says where it goes with `{partition}`; or its folders do, as Hive's: `.../dt=2026-01-31/`, of which a partition takes
those that it covers. Names and dates only; `data/partitioned.py` looks what is there.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import date, datetime, timedelta
from typing import Literal, NamedTuple, get_args
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from data.errors import EmbertextError

Grain = Literal["hour", "day", "week", "month", "quarter", "year"]
GRAINS: tuple[Grain, ...] = get_args(Grain)

PLACEHOLDER = "{partition}"
FORMS = "2026-01-31T05, 2026-01-31, 2026-W05, 2026-01, 2026-Q1 or 2026"
WORDS = 'today, yesterday, "this month", "last week" or "3 days ago", a time zone behind it: "yesterday Europe/London"'

_FOLDER = re.compile(r"(?<=[/\\])dt=([^/\\]+)(?=[/\\])")
_MOMENT = timedelta(microseconds=1)


class Partition(NamedTuple):
    """One stretch: it begins at `start`, a moment of no time zone, and lasts until `stop`."""

    grain: Grain
    start: datetime

    def __str__(self) -> str:
        """Its name, which `parse` reads."""
        return _WRITTEN[self.grain](self.start)

    @property
    def stop(self) -> datetime:
        """When the next one begins."""
        return _after(self.grain, self.start)

    def covers(self, other: "Partition") -> bool:
        """Whether all of the other lies within."""
        return self.start <= other.start and other.stop <= self.stop


def parse(text: str) -> Partition:
    """The partition of that name. Raises EmbertextError for anything else, or for a day that no calendar has."""
    for grain, (form, read) in _READ.items():
        if match := form.fullmatch(text.strip()):
            try:
                return Partition(grain, read(*map(int, match.groups())))
            except ValueError as error:
                raise EmbertextError(str(error), where=text, remedy=f"write it as {FORMS}") from error
    raise EmbertextError("is no partition", where=repr(text), remedy=f"write it as {FORMS}")


def resolve(text: str, at: datetime) -> Partition:
    """The partition of that name, or the one that words mean at a moment: "yesterday", "last month Europe/London".

    at: with its time zone. Hours are counted as they pass, days and longer ones by the calendar of the time zone, UTC
    where none is told. Raises EmbertextError.
    """
    words = re.fullmatch(r"(today|yesterday|(?:this|last) \w+|\d{1,4} \w+ ago)(?: (\S+))?", " ".join(text.split()))
    if not words or words.group(2) in GRAINS:
        try:
            return parse(text)
        except EmbertextError as error:
            raise EmbertextError(error.what, where=error.where, remedy=f"{error.remedy}; or as {WORDS}") from error
    said, zone = words.groups()
    grain, back = _meant(said, text)
    if grain == "hour":
        return around(_local(at - timedelta(hours=back), zone), grain)
    found = around(_local(at, zone), grain)
    for _ in range(back):
        found = around(found.start - _MOMENT, grain)
    return found


def around(moment: datetime, grain: Grain) -> Partition:
    """The partition that a moment lies in."""
    day = moment.replace(hour=0, minute=0, second=0, microsecond=0, tzinfo=None, fold=0)
    start = {
        "hour": day.replace(hour=moment.hour),
        "day": day,
        "week": day - timedelta(days=day.weekday()),
        "month": day.replace(day=1),
        "quarter": day.replace(month=day.month - (day.month - 1) % 3, day=1),
        "year": day.replace(month=1, day=1),
    }[grain]
    return Partition(grain, start)


def between(first: Partition, last: Partition, every: Grain) -> Iterator[Partition]:
    """Those from the one that `first` begins in to the one that `last` ends in, one by one."""
    each = around(first.start, every)
    while each.start < last.stop:
        yield each
        each = Partition(every, each.stop)


def fill(place: str, partition: str) -> str:
    """The place with the partition where it says so."""
    return place.replace(PLACEHOLDER, partition)


def folders(url: str, *, below: str = "") -> list[Partition]:
    """The partitions that folders of a URL are named by, `dt=2026-01-31`, outermost first.

    below: a place that the URL was found at; the folders that it names itself are not counted. One whose name is no
    partition is none of ours.
    """
    named = re.split(r"[*?\[]", below.rstrip("/") + "/", maxsplit=1)[0]
    found = []
    for name in _FOLDER.findall(url)[len(_FOLDER.findall(named)) :]:
        try:
            found.append(parse(name))
        except EmbertextError:
            continue
    return found


def within(urls: Iterable[str], partition: Partition, *, below: str = "") -> list[str]:
    """Those that lie in a folder which the partition covers."""
    return [url for url in urls if any(partition.covers(each) for each in folders(url, below=below))]


def _meant(said: str, text: str) -> tuple[Grain, int]:
    """The grain, and how many of them back: "last month" is one."""
    if said in ("today", "yesterday"):
        return "day", int(said == "yesterday")
    first, unit, *ago = said.split()
    for grain in GRAINS:
        if unit == grain or (ago and unit == f"{grain}s"):
            return grain, int(first) if ago else int(first == "last")
    raise EmbertextError(f"{unit} is none of {', '.join(GRAINS)}", where=repr(text), remedy=f"write it as {WORDS}")


def _local(at: datetime, zone: str | None) -> datetime:
    """What a clock of the time zone shows."""
    try:
        return at.astimezone(ZoneInfo(zone or "UTC"))
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:  # OSError: the name of a folder of time zones
        raise EmbertextError("no such time zone", where=str(zone), remedy="name one such as Europe/London") from error


def _after(grain: Grain, start: datetime) -> datetime:
    months = {"month": 1, "quarter": 3, "year": 12}.get(grain, 0)
    if months:
        year, month = divmod(start.month - 1 + months, 12)
        return start.replace(year=start.year + year, month=month + 1)
    return start + {"hour": timedelta(hours=1), "day": timedelta(days=1), "week": timedelta(weeks=1)}[grain]


def _week(start: datetime) -> str:
    year, week, _ = start.isocalendar()
    return f"{year}-W{week:02}"


_WRITTEN: Mapping[Grain, Callable[[datetime], str]] = {
    "hour": lambda start: f"{start:%Y-%m-%dT%H}",
    "day": lambda start: f"{start:%Y-%m-%d}",
    "week": _week,
    "month": lambda start: f"{start:%Y-%m}",
    "quarter": lambda start: f"{start.year}-Q{(start.month + 2) // 3}",
    "year": lambda start: f"{start:%Y}",
}
_YEAR = r"([12]\d{3})"
_READ: Mapping[Grain, tuple[re.Pattern[str], Callable[..., datetime]]] = {
    "hour": (re.compile(_YEAR + r"-(\d\d)-(\d\d)T(\d\d)", re.ASCII), datetime),
    "day": (re.compile(_YEAR + r"-(\d\d)-(\d\d)", re.ASCII), datetime),
    "week": (
        re.compile(_YEAR + r"-W(\d\d)", re.ASCII),
        lambda year, week: datetime.combine(date.fromisocalendar(year, week, 1), datetime.min.time()),
    ),
    "month": (re.compile(_YEAR + r"-(\d\d)", re.ASCII), lambda year, month: datetime(year, month, 1)),
    "quarter": (re.compile(_YEAR + r"-Q([1-4])", re.ASCII), lambda year, third: datetime(year, 3 * third - 2, 1)),
    "year": (re.compile(_YEAR, re.ASCII), lambda year: datetime(year, 1, 1)),
}
