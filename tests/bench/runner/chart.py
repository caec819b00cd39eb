# SPDX-License-Identifier: MIT
"""
Bars as SVG, without a script. They have a background of their own, so they are legible whatever
the page is like; it is dark for who likes that.
"""

from html import escape

from runner.report import CHARTS, number

WIDTH, LEFT, RIGHT, TOP, STEP, BAR = 760, 150, 90, 64, 26, 16
FONT = "-apple-system, 'Segoe UI', Helvetica, Arial, sans-serif"

STYLE = f"""\
text {{ font: 13px {FONT}; fill: #1f2328; }}
.page {{ fill: #ffffff; }}
.title {{ font-size: 15px; font-weight: 600; }}
.note {{ fill: #59636e; }}
.echod {{ fill: #1a7f37; }} .peer {{ fill: #6e8fc4; }} .floor {{ fill: #9aa2ab; }}
@media (prefers-color-scheme: dark) {{
  text {{ fill: #f0f6fc; }}
  .page {{ fill: #0d1117; }}
  .note {{ fill: #9198a1; }}
  .echod {{ fill: #3fb950; }} .peer {{ fill: #5b7fc0; }} .floor {{ fill: #656c76; }}
}}"""

SPECS = (
    ("one", "p50_us", "One connection: time of a message, p50, µs"),
    ("50", "server_cpu_us_per_message", "50 connections: server CPU for each message, µs"),
    ("udp_one", "p50_us", "UDP, one peer: time of a datagram, p50, µs"),
    ("udp_50", "server_cpu_us_per_datagram", "UDP, 50 peers: server CPU for each datagram, µs"),
)


def _bars(results, case, value):
    """(name, kind, number), the best first."""
    bars = [
        (server["name"], server["kind"], median)
        for server in results.servers("echod", "peer", "floor")
        if (median := results.median(server["name"], case, value)) is not None
    ]
    return sorted(bars, key=lambda bar: bar[2])


def _bar(index, bar, most):
    name, kind, value = bar
    y = TOP + index * STEP
    width = max(1, value / most * (WIDTH - LEFT - RIGHT))
    baseline = y + BAR - 3
    return (
        f'<text x="{LEFT - 8}" y="{baseline}" text-anchor="end">{escape(name)}</text>\n'
        f'<rect class="{kind}" x="{LEFT}" y="{y}" width="{width:.1f}" height="{BAR}" rx="2"/>\n'
        f'<text x="{LEFT + width + 6:.1f}" y="{baseline}">{number(value)}</text>\n'
    )


def bars(results, case, value, title):
    """A chart, or None if there is nothing to show."""
    rows = _bars(results, case, value)
    if not rows:
        return None
    most = max(row[2] for row in rows) or 1
    height = TOP + len(rows) * STEP + 8
    body = "".join(_bar(i, row, most) for i, row in enumerate(rows))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" '
        f'viewBox="0 0 {WIDTH} {height}" role="img" aria-label="{escape(title)}">\n'
        f"<style>\n{STYLE}\n</style>\n"
        f'<rect class="page" width="{WIDTH}" height="{height}" rx="6"/>\n'
        f'<text class="title" x="8" y="24">{escape(title)}</text>\n'
        f'<text class="note" x="8" y="44">Less is better. Green: echod; blue: peers; '
        f"grey: the shortest servers that there can be.</text>\n{body}</svg>\n"
    )


def charts(results):
    """Pairs of a file's name and its text."""
    for (name, *_), spec in zip(CHARTS, SPECS):
        text = bars(results, *spec)
        if text:
            yield name, text
