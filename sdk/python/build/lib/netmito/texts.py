"""Durations and times as the coordinator writes them."""

from __future__ import annotations

import datetime
import re
from typing import Union

from .errors import InvalidValue

DurationLike = Union[datetime.timedelta, str, int, float]

_SECONDS = {
    1e-9: ("ns", "nsec", "nanos"),
    1e-6: ("us", "usec", "micros"),
    1e-3: ("ms", "msec", "millis"),
    1.0: ("s", "sec", "secs", "second", "seconds"),
    60.0: ("m", "min", "mins", "minute", "minutes"),
    3600.0: ("h", "hr", "hrs", "hour", "hours"),
    86400.0: ("d", "day", "days"),
    604800.0: ("w", "week", "weeks"),
    2630016.0: ("M", "month", "months"),
    31557600.0: ("y", "year", "years"),
}
_UNITS = {name: seconds for seconds, names in _SECONDS.items() for name in names}
_PART = re.compile(r"\s*(\d+(?:\.\d+)?)\s*([A-Za-z]+)\s*")
_TIME = re.compile(r"(\d{4})-(\d\d)-(\d\d) (\d{1,2}):(\d\d):(\d\d)(?:\.(\d{1,9}))? ([+-])(\d\d):(\d\d)(?::(\d\d))?$")


def parse_duration(value: DurationLike) -> datetime.timedelta:
    """A span of time from `timedelta`, seconds, or text such as `90s`, `1h 30m`, `2 days`, `45` (seconds)."""
    if isinstance(value, datetime.timedelta):
        span = value
    elif isinstance(value, (int, float)) and not isinstance(value, bool):
        span = datetime.timedelta(seconds=value)
    elif isinstance(value, str):
        span = datetime.timedelta(seconds=_seconds_of(value))
    else:
        raise InvalidValue(f"{value!r} is no duration: give a timedelta, seconds, or text such as '1h 30m'")
    if span < datetime.timedelta(0):
        raise InvalidValue(f"{value!r} is a negative duration")
    return span


def _seconds_of(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        pass
    total, at = 0.0, 0
    while at < len(text):
        part = _PART.match(text, at)
        if not part or part.group(2) not in _UNITS:
            raise InvalidValue(f"{text!r} is no duration: write for instance '90s', '1h 30m' or '2d'")
        total += float(part.group(1)) * _UNITS[part.group(2)]
        at = part.end()
    if not text.strip():
        raise InvalidValue("an empty text is no duration: write for instance '90s', '1h 30m' or '2d'")
    return total


def duration_text(span: datetime.timedelta) -> str:
    """The shortest text of whole units, `1d2h3m4s5ms`; `0s` for nothing."""
    microseconds = span // datetime.timedelta(microseconds=1)
    text = ""
    for unit, size in (
        ("d", 86_400_000_000),
        ("h", 3_600_000_000),
        ("m", 60_000_000),
        ("s", 1_000_000),
        ("ms", 1000),
        ("us", 1),
    ):
        count, microseconds = divmod(microseconds, size)
        if count:
            text += f"{count}{unit}"
    return text or "0s"


def parse_time(text: str) -> datetime.datetime:
    """An aware time from `2026-11-22 06:00:00.123456 +00:00:00`."""
    match = _TIME.match(text)
    if not match:
        raise InvalidValue(f"{text!r} is no time: expected for instance '2026-11-22 06:00:00.123456 +00:00:00'")
    year, month, day, hour, minute, second = (int(match.group(i)) for i in range(1, 7))
    fraction = int((match.group(7) or "0").ljust(9, "0")[:6])
    offset = datetime.timedelta(
        hours=int(match.group(9)), minutes=int(match.group(10)), seconds=int(match.group(11) or 0)
    )
    zone = datetime.timezone(-offset if match.group(8) == "-" else offset)
    return datetime.datetime(year, month, day, hour, minute, second, fraction, zone)


def time_text(time: datetime.datetime) -> str:
    """What `parse_time` reads. A time without zone is taken as local."""
    aware = time if time.tzinfo else time.astimezone()
    offset = aware.utcoffset() or datetime.timedelta(0)
    sign = "-" if offset < datetime.timedelta(0) else "+"
    seconds = int(abs(offset).total_seconds())
    return (
        aware.strftime("%Y-%m-%d %H:%M:%S.%f")
        + f" {sign}{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"
    )
