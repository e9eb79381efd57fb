"""The study's figures as a table, as CSV and as a chart in one HTML page that needs nothing else."""
from __future__ import annotations

import csv
import dataclasses
import datetime
import html
import math
import pathlib
import statistics

# Student's t for a two-sided 95% interval, by degrees of freedom; beyond the table the normal distribution is close enough.
T_95 = (12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.160, 2.145, 2.131)


@dataclasses.dataclass(frozen=True)
class Row:
    """Means over the repetitions of one cell of the study."""
    algorithm: str
    streams: int
    repetitions: int
    gbit_per_second: float
    half_interval: float  # of the 95% confidence interval, Gbit/s; NaN with one repetition
    retransmits: float
    queue_seconds: float  # from submission to the start of the command
    run_seconds: float


def half_interval(values) -> float:
    """Half the width of the 95% confidence interval of the mean."""
    if len(values) < 2:
        return math.nan
    t = T_95[len(values) - 2] if len(values) - 2 < len(T_95) else 1.96
    return t * statistics.stdev(values) / math.sqrt(len(values))


def seconds(text: str) -> float:
    """Unix time of a time stamp of the API (`2025-11-21 23:24:00.123456 +00:00:00`) or in RFC 3339."""
    date, clock = text.replace("T", " ").replace("Z", "").split(" ")[:2]
    clock, _, fraction = clock.partition(".")
    when = datetime.datetime.strptime(f"{date} {clock}", "%Y-%m-%d %H:%M:%S").replace(tzinfo=datetime.timezone.utc)
    return when.timestamp() + (float("0." + fraction) if fraction else 0.0)


def table(rows: list[Row]) -> str:
    lines = ["", f"{'algorithm':<12} {'streams':>7} {'Gbit/s (95% interval)':>24} {'retransmits':>12} {'queued':>10} {'ran':>9}"]
    for row in rows:
        speed = f"{row.gbit_per_second:.2f}" + ("" if math.isnan(row.half_interval) else f" ± {row.half_interval:.2f}")
        lines.append(f"{row.algorithm:<12} {row.streams:>7} {speed:>24} {row.retransmits:>12.1f} {row.queue_seconds * 1000:>7.1f} ms {row.run_seconds:>7.2f} s")
    return "\n".join(lines) + "\n"


def write_csv(path: pathlib.Path, rows: list[Row]) -> None:
    with open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow([field.name for field in dataclasses.fields(Row)])
        for row in rows:
            writer.writerow([f"{value:.6g}" if isinstance(value, float) else value for value in dataclasses.astuple(row)])


def write_html(path: pathlib.Path, rows: list[Row], caption: str) -> None:
    head = "".join(f"<th>{name}</th>" for name in ("algorithm", "streams", "Gbit/s", "± 95%", "retransmits", "queued (ms)", "ran (s)"))
    body = "".join(
        f"<tr><td>{html.escape(row.algorithm)}</td><td>{row.streams}</td><td>{row.gbit_per_second:.2f}</td>"
        f"<td>{'' if math.isnan(row.half_interval) else f'{row.half_interval:.2f}'}</td><td>{row.retransmits:.1f}</td>"
        f"<td>{row.queue_seconds * 1000:.1f}</td><td>{row.run_seconds:.2f}</td></tr>" for row in rows)
    path.write_text(f"""<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>Congestion control over loopback</title>
<style>
:root {{ --ink: #1d2433; --faint: #8a93a6; --line: #dfe3ea; }}
body {{ font: 15px/1.5 system-ui, sans-serif; color: var(--ink); max-width: 58rem; margin: 2.5rem auto; padding: 0 1rem; }}
h1 {{ font-size: 1.35rem; margin-bottom: 0; }} p {{ color: var(--faint); margin-top: .2rem; }}
table {{ border-collapse: collapse; width: 100%; margin-top: 1.5rem; font-variant-numeric: tabular-nums; }}
th, td {{ text-align: right; padding: .3rem .7rem; border-bottom: 1px solid var(--line); }} th:first-child, td:first-child {{ text-align: left; }}
svg {{ width: 100%; height: auto; }} text {{ fill: var(--ink); font: 13px system-ui, sans-serif; }} .faint {{ fill: var(--faint); }}
</style></head><body>
<h1>Congestion control over loopback</h1><p>{html.escape(caption)}</p>
{chart(rows)}
<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>
</body></html>
""", encoding="utf-8")


def chart(rows: list[Row]) -> str:
    """Grouped bars with error bars: one group an algorithm, one bar a number of streams."""
    algorithms = sorted({row.algorithm for row in rows})
    streams = sorted({row.streams for row in rows})
    colours = dict(zip(streams, ("#9db8e8", "#4f7fd1", "#1f4a94")))
    left, top, width, height = 56, 34, 860, 300
    highest = max(row.gbit_per_second + (0 if math.isnan(row.half_interval) else row.half_interval) for row in rows)
    step = 10 ** math.floor(math.log10(highest)) if highest > 0 else 1
    step = step / 2 if highest / step < 2.5 else step
    limit = math.ceil(highest / step) * step

    def y(value: float) -> float:
        return top + height * (1 - value / limit)

    parts = [f'<svg viewBox="0 0 {left + width + 10} {top + height + 40}" role="img" aria-label="Throughput by algorithm and streams">']
    for tick in range(round(limit / step) + 1):
        value = tick * step
        parts.append(f'<line x1="{left}" x2="{left + width}" y1="{y(value):.1f}" y2="{y(value):.1f}" stroke="#dfe3ea"/>'
                     f'<text class="faint" x="{left - 8}" y="{y(value) + 4:.1f}" text-anchor="end">{value:g}</text>')
    parts.append(f'<text class="faint" x="{left}" y="{top - 14}">Gbit/s, mean and 95% interval</text>')
    group = width / len(algorithms)
    bar = min(56.0, group * 0.8 / len(streams))
    for position, algorithm in enumerate(algorithms):
        middle = left + group * (position + 0.5)
        parts.append(f'<text x="{middle:.1f}" y="{top + height + 22}" text-anchor="middle">{html.escape(algorithm)}</text>')
        for index, count in enumerate(streams):
            for row in (row for row in rows if (row.algorithm, row.streams) == (algorithm, count)):
                x = middle + bar * (index - len(streams) / 2)
                parts.append(f'<rect x="{x + 2:.1f}" y="{y(row.gbit_per_second):.1f}" width="{bar - 4:.1f}" height="{y(0) - y(row.gbit_per_second):.1f}" '
                             f'fill="{colours.get(count, "#4f7fd1")}"><title>{html.escape(algorithm)}, {count} streams: {row.gbit_per_second:.2f} Gbit/s</title></rect>')
                if not math.isnan(row.half_interval):
                    low, high = max(0.0, row.gbit_per_second - row.half_interval), row.gbit_per_second + row.half_interval
                    parts.append(f'<line x1="{x + bar / 2:.1f}" x2="{x + bar / 2:.1f}" y1="{y(low):.1f}" y2="{y(high):.1f}" stroke="#1d2433" stroke-width="1.5"/>')
    for index, count in enumerate(streams):
        x = left + width - 110 * (len(streams) - index)
        parts.append(f'<rect x="{x}" y="{top - 25}" width="12" height="12" fill="{colours.get(count, "#4f7fd1")}"/>'
                     f'<text x="{x + 18}" y="{top - 14}">{count} stream{"s" if count > 1 else ""}</text>')
    parts.append("</svg>")
    return "".join(parts)
