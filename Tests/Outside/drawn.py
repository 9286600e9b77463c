"""What a chart in a page says, read back from its geometry, and the same from the JSON report."""

import re

DRAWN = """[...document.querySelectorAll('.chart')].map(chart => ({
  group: Number(chart.dataset.group),
  scale: [...chart.querySelectorAll('text[data-count]')].map(t => [Number(t.dataset.count), Number(t.getAttribute('y')) - 4]),
  count: chart.querySelector('path.count')?.getAttribute('d') ?? '',
  band: chart.querySelector('path.band')?.getAttribute('d') ?? '',
  edge: chart.querySelector('path.grid')?.getAttribute('d') ?? '',
  bars: [...chart.querySelectorAll('path.bar')].map(bar => ({kind: bar.getAttribute('class').split(' ')[1],
    isOpen: bar.dataset.open === 'true', d: bar.getAttribute('d')})),
}))"""


def level(y, scale):
    """The count that a height stands for, by the labels of the grid."""
    (low, y_low), (high, y_high) = scale[0], scale[-1]
    return round(low + (y - y_low) * (high - low) / (y_high - y_low))


def states(chart):
    """What is drawn from left to right: pairs of least and greatest count, `None` where nothing bounds it."""
    found = []
    x = y = 0.0
    for command, numbers in re.findall(r"([MHV])([-\d. ]+)", chart["count"]):
        values = [float(number) for number in numbers.split()]
        if command == "M":
            x, y = values
        elif command == "V":
            y = values[0]
        else:
            found.append((x, (level(y, chart["scale"]), level(y, chart["scale"]))))
            x = values[0]
    roof = 18.0
    for x0, top, _, bottom, _ in re.findall(r"M([-\d.]+) ([-\d.]+)H([-\d.]+)V([-\d.]+)H([-\d.]+)Z", chart["band"]):
        high = None if float(top) == roof else level(float(top), chart["scale"])
        found.append((float(x0), (level(float(bottom), chart["scale"]), high)))
    return without_repeats([state for _, state in sorted(found, key=lambda one: one[0])])


def told(group):
    """The same from the JSON report."""
    def pair(count):
        return (count["min"], count.get("max"))
    found = [pair(group["initial"])]
    for change in group["changes"]:
        found += [pair(change["before"]), pair(change["after"])]
    return without_repeats(found)


def without_repeats(values):
    return [value for index, value in enumerate(values) if index == 0 or value != values[index - 1]]


def continuous(group):
    """Whether each count follows from the one before it; where not, a stretch without evidence is drawn instead."""
    last = group["initial"]
    for change in group["changes"]:
        if change["before"] != last:
            return False
        last = change["after"]
    return True


def in_words(change):
    """What a table says of a change: `0 → 1`, `2`, `1…4 → 0…3`."""
    def word(count):
        low, high = count["min"], count.get("max")
        return str(low) if low == high else ("?" if low == 0 else f"≥{low}") if high is None else f"{low}…{high}"
    before, after = word(change["before"]), word(change["after"])
    return after if before == after else f"{before} → {after}"
