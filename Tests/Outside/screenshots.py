#!/usr/bin/env python3
"""Takes the README's pictures of an HTML report and of a terminal.

usage: screenshots.py REPORTS PICTURES

REPORTS holds report.html and report.ansi. A picture beyond 150 kB is an error: forges load it with every visit.
"""

import html
import os
import re
import sys

from browser import Browser, Page

LARGEST = 150_000
INKS = {"1": "strong", "2": "dim", "32": "good", "33": "doubt", "1;31": "bad"}
TERMINAL = """<!doctype html><meta charset="utf-8"><style>
body { margin: 0; background: #15191d; color: #e3e7ea; font: 14px/1.25 "DejaVu Sans Mono", monospace; }
pre { margin: 0; padding: 14px 18px; font: inherit; width: fit-content; }
.strong { font-weight: 700; color: #fff; } .dim { color: #9aa5af; } .good { color: #74c690; } .doubt { color: #e0b055; }
.bad { color: #ff8f66; font-weight: 700; } .prompt { color: #74c690; }
</style><pre>"""


def terminal(text):
    """ANSI colours as markup; any other sequence would be a defect of the report, and shows."""
    parts = re.split(r"\x1b\[([\d;]*)m", text)
    found = html.escape(parts[0])
    for code, words in zip(parts[1::2], parts[2::2]):
        words = html.escape(words)
        found += words if code == "0" else f'<span class="{INKS[code]}">{words}</span>'
    return found


def chart(text):
    """The chart of the first group: from its title to the table."""
    lines = text.split("\n")
    start = next(i for i, line in enumerate(lines) if re.match(r"(\x1b\[[\d;]*m)?group ", line))
    end = next(i for i, line in enumerate(lines) if i > start and "held at the end" in line)
    return "\n".join(lines[start:end]).rstrip()


def box(page, selector, margin=0):
    return page.value(f"""(() => {{ const b = document.querySelector({selector!r}).getBoundingClientRect();
      return {{x: Math.max(0, b.x + scrollX - {margin}), y: Math.max(0, b.y + scrollY - {margin}),
        width: b.width + {2 * margin}, height: b.height + {2 * margin}}} }})()""")


def main(arguments):
    if len(arguments) != 2:
        print(__doc__, file=sys.stderr)
        return 64
    reports, pictures = arguments
    os.makedirs(pictures, exist_ok=True)
    with open(os.path.join(reports, "report.ansi"), encoding="utf-8") as file:
        text = chart(file.read())
    screen = os.path.join(reports, "terminal.html")
    with open(screen, "w", encoding="utf-8") as file:
        file.write(TERMINAL + terminal(text) + "</pre>\n")
    with Browser() as browser:
        with Page(browser, 900, 700) as page:
            page.open(screen)
            page.picture(os.path.join(pictures, "terminal.png"), box(page, "pre"))
        with Page(browser, 980, 900) as page:
            page.prefer("light")
            page.open(os.path.join(reports, "report.html"))
            # The reader's eye goes to what follows the refusal.
            page.value("""(() => { const chart = page.charts.values().next().value;
              const i = [...chart.group.mark.keys()].find(i => timeline.markName(chart.group, i) === 'refusal');
              page.select(chart, i) })()""")
            page.settle()
            # The words above the chart stand in the README as text; the chart is what a picture is for.
            top = box(page, ".group h2")["y"]
            end = box(page, ".readout")
            page.picture(os.path.join(pictures, "report.png"),
                         {"x": 0, "y": top - 14, "width": 980, "height": end["y"] + end["height"] - top + 12})
    for name in ("terminal.png", "report.png"):
        size = os.path.getsize(os.path.join(pictures, name))
        print(f"{name}: {size} bytes", file=sys.stderr)
        if size > LARGEST:
            print(f"{name} is larger than {LARGEST} bytes", file=sys.stderr)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
