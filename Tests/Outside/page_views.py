"""What charts look like to eyes, fingers and ears: labels, legend, touch, and the tree that screen readers are given."""

import re

DRAW_ALL = "for (const chart of page.charts.values()) chart.draw(view)"

# Of each chart: texts that overlap or are cut, and marks that stand on each other.
CROWDING = """[...document.querySelectorAll('.chart svg')].flatMap(svg => {
  const whole = svg.getBoundingClientRect();
  const boxes = selector => [...svg.querySelectorAll(selector)].map(e => [e.textContent || e.getAttribute('class'), e.getBoundingClientRect()]);
  const meet = ([, a], [, b]) => a.left < b.right - 1 && b.left < a.right - 1 && a.top < b.bottom - 2 && b.top < a.bottom - 2;
  const found = [];
  for (const group of ['text', '.mark']) {
    const all = boxes(group);
    all.forEach((one, i) => all.slice(i + 1).forEach(other => { if (meet(one, other)) found.push(`${one[0]} lies on ${other[0]}`) }));
    for (const [name, box] of all) if (box.left < whole.left - 1 || box.right > whole.right + 1) found.push(`${name} is cut`);
  }
  return found;
})"""

# The classes of what is drawn and of what the legend explains, as far as they have a meaning.
SIGNS = """(() => {
  const meaning = root => [...new Set([...root.querySelectorAll('.bar, .mark, .lost, .band, .excess, .stray, .count, .held')]
    .map(e => e.getAttribute('class').replace('bar bound', 'bar returned')))].sort();
  const drawn = new Set([...document.querySelectorAll('.chart')].flatMap(meaning));
  return [[...drawn].sort(), meaning(document.querySelector('.legend'))];
})()"""


def judge_labels(page):
    """Nothing lies on something else or is cut, whatever the window, the stretch in view and the axis."""
    for width in (1100, 375):
        page.resize(width, 900)
        for stretch in ("view.set(...view.full)", "view.set(view.low, view.low + (view.high - view.low) / 37)",
                        "view.set(view.low, view.low + view.smallest)"):
            page.value(f"view.set(...view.full); {stretch}; {DRAW_ALL}")
            for problem in page.value(CROWDING):
                yield f"{width} pixels, {stretch}: {problem}"
    page.resize(1100, 900)
    page.value(f"view.set(...view.full); {DRAW_ALL}")
    ticks = page.value("[...document.querySelectorAll('.chart .tick')].map(e => e.textContent)")
    for tick in ticks:
        if not re.fullmatch(r"-?\d+(\.\d+)? s|line \d+", tick):
            yield f"a tick without a unit: {tick}"


def judge_legend(page):
    if not page.value("!!document.querySelector('.chart')"):
        return
    drawn, explained = page.value(f"document.querySelectorAll('.quiet').forEach(d => d.open = true); {DRAW_ALL}; {SIGNS}")
    for sign in drawn:
        if sign not in explained:
            yield f"the legend says nothing of {sign}"
    # A range or a gap may be too short to be seen; a line beneath another one may be covered.
    for sign in explained:
        if sign not in drawn and sign.split()[0] == "bar":
            yield f"the legend explains {sign}, and nothing of the kind is drawn"


def touch(page, kind, *points):
    page.call("Input.dispatchTouchEvent", type=kind, touchPoints=[{"x": x, "y": y, "id": i} for i, (x, y) in enumerate(points)])


def judge_touch(page):
    """Two fingers stretch the axis, one moves it, a tap reads an event."""
    page.call("Emulation.setTouchEmulationEnabled", enabled=True, maxTouchPoints=2)
    page.value("document.querySelector('.chart')?.scrollIntoView({block: 'center'})")
    page.settle()
    box = page.value("""(() => { const b = document.querySelector('.chart svg')?.getBoundingClientRect();
      return b && [b.x, b.y + b.height / 3, b.width] })()""")
    if not box:
        return
    left, y, width = box
    at = lambda share: (left + width * share, y)
    span = "[view.low, view.high]"
    touch(page, "touchStart", at(0.5))
    touch(page, "touchEnd")
    page.settle()
    if not re.search(r"(line |:)\d+", page.value("document.querySelector('.readout').textContent")):
        yield "a tap reads nothing"
    whole = page.value(span)
    touch(page, "touchStart", at(0.45), at(0.55))
    for step in range(1, 9):
        touch(page, "touchMove", at(0.45 - 0.02 * step), at(0.55 + 0.02 * step))
    touch(page, "touchEnd")
    page.settle()
    pinched = page.value(span)
    share = (pinched[1] - pinched[0]) / (whole[1] - whole[0])
    if not 0.15 < share < 0.5:
        yield f"two fingers that part show {share:.2f} of the axis"
    touch(page, "touchStart", at(0.7))
    for step in range(1, 9):
        touch(page, "touchMove", at(0.7 - 0.03 * step))
    touch(page, "touchEnd")
    page.settle()
    moved = page.value(span)
    if not moved[0] > pinched[0] or abs((moved[1] - moved[0]) - (pinched[1] - pinched[0])) > 1:
        yield f"a finger that moves to the left leads from {pinched} to {moved}"
    page.call("Emulation.setTouchEmulationEnabled", enabled=False)


def heard(page):
    """What a screen reader is given: role, name and properties of each node in order."""
    nodes = page.call("Accessibility.getFullAXTree")["nodes"]
    by_id = {node["nodeId"]: node for node in nodes}
    text = lambda node, key: str((node.get(key) or {}).get("value", ""))
    found = []

    def walk(node):
        if not node.get("ignored"):
            facts = {fact["name"]: fact["value"].get("value") for fact in node.get("properties", [])}
            found.append((text(node, "role"), text(node, "name"), facts))
        for child in node.get("childIds", []):
            if child in by_id:
                walk(by_id[child])

    walk(nodes[0])
    return found


def judge_ears(page, facts):
    """A page that can be followed without seeing it."""
    page.value("document.querySelectorAll('details').forEach(d => d.open = true)")
    page.settle()
    nodes = heard(page)
    depth = 0
    for role, name, properties in nodes:
        if role in ("heading", "slider") and re.search("[→≥…?]", name):
            yield f"{role} is called {name!r}, which cannot be said"
        if properties.get("focusable") and role not in ("RootWebArea", "generic") and not name.strip():
            yield f"a {role} that can be reached has no name"
        if role == "heading":
            if properties["level"] > depth + 1:
                yield f"heading {name!r} is of level {properties['level']} behind one of level {depth}"
            depth = properties["level"]
    names = [name for role, name, _ in nodes if role == "heading"]
    if not names or not re.match(facts["verdict"] + " ?: [A-Z]", names[0]):
        yield f"the first heading is {names[:1]}"
    charts = [index for index, group in enumerate(facts["groups"]) if group["changes"]]
    sliders = [name for role, name, _ in nodes if role == "slider"]
    if len(sliders) != len(charts):
        yield f"{len(sliders)} charts are heard of, there are {len(charts)}"
    # Drawings are not read out piece by piece; their words stand in the label and in the table.
    drawn = page.value("[...document.querySelectorAll('.chart text.inside')].map(e => e.textContent)")
    if drawn and any(role == "StaticText" and name == drawn[0] and "leaked" in name for role, name, _ in nodes):
        yield f"{drawn[0]} is read out of the drawing"
    if not sliders:
        return
    page.value("document.querySelector('.chart').focus()")
    page.press("Home")
    page.press("ArrowRight")
    group = facts["groups"][page.value("Number(document.activeElement.dataset.group)")]
    # The protocol tells of a value in words only that it is there.
    value = page.value("document.activeElement.getAttribute('aria-valuetext')")
    lines = {change["at"]["line"] for change in group["changes"]}
    lines |= {line["line"] for finding in facts["findings"] for line in finding["evidence"]}
    spoken = re.search(r"(?:line |\w:)(\d+)(?:,|$)", value)
    if not spoken or int(spoken.group(1)) not in lines or "→" in value:
        yield f"an event is read as {value!r}"


def judge_gap(page, facts):
    """Between the calls around lost events there is hatching, and no line."""
    page.value(f"document.querySelectorAll('.quiet').forEach(d => d.open = true); {DRAW_ALL}")
    page.settle()
    page.value(DRAW_ALL)
    changes = facts["groups"][0]["changes"]
    after = next(i for i, change in enumerate(changes) if change.get("after_gap"))
    first, last = page.value(f"""(() => {{ const chart = page.charts.values().next().value;
      const at = line => chart.xOf(chart.group.line.indexOf(line));
      return [at({changes[after - 1]["at"]["line"]}), at({changes[after]["at"]["line"]})] }})()""")
    hatched = page.value("document.querySelector('.chart path.lost')?.getAttribute('d') ?? ''")
    edges = [float(number) for number in re.findall(r"[MH]([\d.]+)", hatched)]
    if len(edges) < 2 or abs(edges[0] - first) > 0.2 or abs(edges[1] - last) > 0.2:
        yield f"the gap is from {first} to {last}, hatched is {edges}"
    for name in ("count", "held"):
        x = 0.0
        for command, number in re.findall(r"([MH])([\d.]+)", page.value(f"document.querySelector('.chart path.{name}').getAttribute('d')")):
            if command == "H" and x < last - 0.2 and float(number) > first + 0.2:
                yield f"the line of {name} goes through the gap, from {x} to {number}"
            x = float(number)
    if "evidence is missing" not in page.value("document.querySelector('.legend').textContent"):
        yield "the legend does not explain the hatching"
