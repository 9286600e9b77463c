#!/usr/bin/env python3
"""Loads HTML reports in a real browser and compares what is drawn with the JSON report of the same capture.

usage: judge_pages.py DMALEDGER SAMPLE...

A sample is a capture, or a folder with all files of an incident.

Prints one line for each problem. Exits 1 if there is any.
"""

import json
import os
import re
import subprocess
import sys
import tempfile

from browser import Browser, BrowserError, Page
from drawn import DRAWN, continuous, in_words, states, told
from page_views import judge_ears, judge_gap, judge_labels, judge_legend, judge_touch

HOSTILE = '\\"><script>window.hacked=1</script></script><!--\u202e\u2028\x1b[31m\'&amp;'


def report(program, capture, folder):
    """The page and the JSON report of the same capture."""
    files = [capture]
    if os.path.isdir(capture):
        # All files of an incident; truth.json is not one of them.
        files = sorted(os.path.join(capture, name) for name in os.listdir(capture) if name != "truth.json")
    page = os.path.join(folder, re.sub(r"\W+", "+", files[0]) + ".html")
    runs = [
        subprocess.run([program, "analyze", "--format", form, *where, *files], capture_output=True, stdin=subprocess.DEVNULL)
        for form, where in (("json", []), ("html", ["-o", page]), ("html", []))
    ]
    with open(page, "rb") as file:
        if file.read() != runs[2].stdout:
            raise BrowserError("two runs give different bytes")
    return page, json.loads(runs[0].stdout)


# MARK: The judges; each yields what is wrong

def judge_drawing(page, facts):
    page.value("document.querySelectorAll('details').forEach(d => d.open = true)")
    page.value("document.getElementById('axis-order')?.click()")
    # Charts are drawn when they come into view; printing draws them all.
    page.value("dispatchEvent(new Event('beforeprint'))")
    page.settle()
    charts = page.value(DRAWN)
    with_events = [index for index, group in enumerate(facts["groups"]) if group["changes"]]
    if not set(with_events) <= {chart["group"] for chart in charts}:
        yield f"charts for {[chart['group'] for chart in charts]}, groups with changes are {with_events}"
    for chart in charts:
        group = facts["groups"][chart["group"]]
        name = f"group {group.get('id')}"
        if continuous(group) and states(chart) != told(group):
            yield f"{name} is drawn as {states(chart)}, the report says {told(group)}"
        leaks = [holder for holder in group["holders"] if holder["kind"] == "leaked"]
        drawn = [bar for bar in chart["bars"] if bar["kind"] == "leaked"]
        if len(leaks) != len(drawn):
            yield f"{name} has {len(leaks)} leaks, {len(drawn)} are drawn"
        edge = float(re.search(r"H([\d.]+)", chart["edge"]).group(1))
        for bar in drawn:
            ends = max(float(number) for number in re.findall(r"[MHL]([\d.]+)", bar["d"]))
            if not bar["isOpen"] or abs(ends - edge) > 0.5:
                yield f"{name}: a leak ends at {ends}, the chart at {edge}"
    rows = page.value("""[...document.querySelectorAll('table')].map(t => [t.id,
      [...t.tBodies[0].rows].map(r => [r.cells[1].textContent, r.cells[5].textContent, r.cells[7].textContent])])""")
    for table, cells in rows:
        group = facts["groups"][int(table.split("-")[1])]
        calls = [row for row in cells if re.match(r"(use|unuse|claim|release|device_claim|device_release|query)( = |:| ←|$)", row[0])]
        wanted = [[change["call"], in_words(change), change["at"]["line"]] for change in group["changes"]]
        shown = [[re.match(r"\w+", what)[0], count, int(line.split(":")[-1])] for what, count, line in calls]
        if shown != wanted:
            yield f"{table} says {shown}, the report {wanted}"


def judge_keyboard(page):
    """The keys alone must reach every link of every finding, and a link must lead to its spot."""
    page.value("document.querySelectorAll('details').forEach(d => d.open = false); document.activeElement.blur()")
    wanted = page.value("""(() => { let n = 0;
      document.querySelectorAll('a[data-event], .finding, summary, .chart, button:not([hidden])').forEach(e => e.dataset.n = n++);
      return n })()""")
    seen = set()
    # Summaries are opened as they are met, so that what they hide is reached in the same walk.
    for _ in range(wanted * 3 + 60):
        page.press("Tab")
        where = page.value("""(() => { const e = document.activeElement;
          return {n: e.dataset.n ?? null, tag: e.tagName, body: e === document.body,
            finding: e.closest('.finding')?.dataset.n ?? null, closed: e.tagName === 'SUMMARY' && !e.parentElement.open} })()""")
        if where["body"] and seen:
            break
        if where["closed"]:
            page.press("Enter")
        seen |= {where["n"], where["finding"]}
    missed = page.value(f"""(() => {{ const seen = new Set({json.dumps([n for n in seen if n])});
      return [...document.querySelectorAll('[data-n]')].filter(e => !seen.has(e.dataset.n) && e.checkVisibility()
        && (e.className.includes('finding') ? e.querySelector('a[data-event]') : true)).map(e => e.outerHTML.slice(0, 90)) }})()""")
    for element in missed:
        yield f"the keyboard does not reach {element}"
    if page.value("!!document.querySelector('a[data-event]')"):
        page.value("document.querySelector('a[data-event]').focus()")
        link = page.value("document.activeElement.textContent")
        # The line of a return leads to its call, and so to the call's row in the table.
        line = page.value("document.querySelector(document.activeElement.hash).lastElementChild.textContent")
        page.press("Enter")
        page.settle()
        spot = page.value("""(() => { const c = document.activeElement;
          return [c.className, document.getElementById('readout-' + c.dataset.group)?.textContent ?? '',
            c.getAttribute('aria-valuetext'), !!c.querySelector('.cursor circle')] })()""")
        if "chart" not in spot[0] or line not in spot[1] or line not in spot[2] or not spot[3]:
            yield f"{line} leads to {spot}"
        page.press("ArrowRight")
        if page.value("document.activeElement.getAttribute('aria-valuetext')") == spot[2]:
            yield "the arrow key does not step to the next event"
        page.press("Escape")
        if page.value("document.activeElement.textContent") != link:
            yield "Escape does not lead back to the link"


def judge_pointer(page):
    """Pointing reads an event, dragging zooms in, a double click shows everything again."""
    page.value("document.querySelector('.chart')?.scrollIntoView({block: 'center'})")
    page.settle()
    box = page.value("""(() => { const b = document.querySelector('.chart svg')?.getBoundingClientRect();
      return b && {x: b.x, y: b.y + b.height / 3, width: b.width} })()""")
    if not box:
        return
    def mouse(kind, share, **more):
        page.call("Input.dispatchMouseEvent", type=kind, x=box["x"] + box["width"] * share, y=box["y"], **more)
    readout = "document.querySelector('.readout').textContent"
    hint = page.value(readout)
    mouse("mouseMoved", 0.5)
    if page.value(readout) == hint or not re.search(r"(line |:)\d+", page.value(readout)):
        yield f"pointing at the chart reads {page.value(readout)!r}"
    whole = page.value("view.high - view.low")
    mouse("mousePressed", 0.4, button="left", buttons=1, clickCount=1)
    mouse("mouseMoved", 0.6, button="left", buttons=1)
    mouse("mouseReleased", 0.6, button="left", clickCount=1)
    page.settle()
    share = page.value("view.high - view.low") / whole
    if not 0.15 < share < 0.3:
        yield f"dragging over a fifth of the chart shows {share:.2f} of the axis"
    for clicks in (1, 2):
        mouse("mousePressed", 0.5, button="left", buttons=1, clickCount=clicks)
        mouse("mouseReleased", 0.5, button="left", clickCount=clicks)
    page.settle()
    if page.value("view.high - view.low") != whole:
        yield "a double click does not show everything again"


CONTRAST = """(() => {
  const parse = c => c.match(/[\\d.]+/g).map(Number);
  const light = c => { const [r, g, b] = parse(c).map(v => (v /= 255) <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4);
    return .2126 * r + .7152 * g + .0722 * b };
  const paper = light(getComputedStyle(document.documentElement).backgroundColor);
  const ratio = l => (Math.max(l, paper) + .05) / (Math.min(l, paper) + .05);
  const of = (selector, property) => { const e = document.querySelector(selector);
    return e ? [[selector, ratio(light(getComputedStyle(e)[property]))]] : [] };
  return {paper, ratios: [...of('h1', 'color'), ...of('.tool', 'color'), ...of('.verdict', 'color'), ...of('.lines code', 'color'),
    ...of('.finding.error h3', 'color'), ...of('.chart text', 'fill'), ...of('path.count', 'stroke')]} })()"""


def judge_looks(page):
    for scheme, is_dark in (("light", False), ("dark", True)):
        page.prefer(scheme)
        seen = page.value(CONTRAST)
        if (seen["paper"] < 0.2) != is_dark:
            yield f"{scheme}: the paper has a luminance of {seen['paper']:.2f}"
        for selector, ratio in seen["ratios"]:
            if ratio < 4.5:
                yield f"{scheme}: {selector} has a contrast of {ratio:.2f}"
    page.prefer("dark", "print")
    if page.value(CONTRAST)["paper"] < 0.9:
        yield "a print has a dark ground"
    page.prefer("light")
    for width in (360, 700):
        page.resize(width, 800)
        page.settle()
        wide = page.value("document.scrollingElement.scrollWidth")
        if wide > width:
            yield f"a window of {width} pixels has to be scrolled sideways to {wide}"
    page.resize(1100, 900)


def judge_policy(page):
    page.value("""window.blocked = [];
      document.addEventListener('securitypolicyviolation', e => window.blocked.push(e.effectiveDirective));
      const s = document.createElement('script'); s.textContent = 'window.injected = 1'; document.body.append(s);
      const i = document.createElement('img'); i.src = 'https://example.invalid/x.png'; document.body.append(i); 1""")
    page.settle()
    if page.value("window.injected ?? 0") or sorted(page.value("window.blocked")) != ["img-src", "script-src-elem"]:
        yield f"the policy let something pass: {page.value('window.blocked')}"


def judge_without_script(browser, path, facts):
    with Page(browser) as page:
        page.call("Emulation.setScriptExecutionDisabled", value=True)
        page.call("Page.navigate", url="file://" + path)
        browser.wait_for("Page.loadEventFired", page.session)
        text = page.call("Runtime.evaluate", expression="document.body.textContent", returnByValue=True)["result"]["value"]
        for finding in facts["findings"]:
            for line in finding["evidence"][:3]:
                is_told_with_its_call = line["note"].startswith("it returns")
                if line["text"].isascii() and line["text"] not in text and not is_told_with_its_call:
                    yield f"without the script line {line['line']} cannot be read"


def judge_sample(browser, program, sample, folder):
    path, facts = report(program, sample, folder)
    with Page(browser) as page:
        page.open(path)
        yield from judge_drawing(page, facts)
        yield from judge_looks(page)
        page.open(path)
        yield from judge_keyboard(page)
        page.open(path)
        yield from judge_pointer(page)
        page.open(path)
        yield from judge_labels(page)
        yield from judge_legend(page)
        yield from judge_ears(page, facts)
        page.open(path)
        yield from judge_touch(page)
        yield from page.complaints()
        yield from judge_policy(page)
    yield from judge_without_script(browser, path, facts)


def event(comm, pid, cpu, micros, text):
    return f"{comm:>16}-{pid:<7} [{cpu:03}] ..... {micros / 1e6:12.6f}: {text}\n"


def judge_hostile(browser, program, folder):
    """A capture whose names try to become markup, script and direction."""
    capture = os.path.join(folder, "hostile.txt")
    use = "use: (iommu_device_use_default_domain+0x0/0x8c) dev=\"{0}\" drv=\"{0}\" grp=0xff11000000de8400 id=7 cnt={1}"
    with open(capture, "w", encoding="utf-8") as file:
        for count in range(2):
            file.write(event("<b>x</b>", 1, 0, 5_000_000 + count, use.format(HOSTILE.replace('"', ""), count)))
        file.write(event("vt", 9, 0, 6_000_000, "claimed: (iommu_group_dma_owner_claimed+0x0/0x2c) grp=0xff11000000de8400 id=7 cnt=2"))
    path, facts = report(program, capture, folder)
    with open(path, encoding="utf-8") as file:
        text = file.read()
    for mark in ("\u202e", "\u2028", "\x1b"):
        if mark in text:
            yield f"{mark!r} stands in the page"
    with Page(browser) as page:
        page.open(path)
        if page.value("window.hacked ?? 0"):
            yield "a device's name was run as a script"
        if "<script>window.hacked=1" not in page.value("document.body.innerText"):
            yield "the hostile name is not shown as text"
        shown = page.value("""(() => { const chart = page.charts.values().next().value; page.select(chart, 0);
          return document.body.textContent })()""")
        for mark in ("\u202e", "\u2028", "\x1b"):
            if mark in shown:
                yield f"{mark!r} is shown by the script"
        if page.value("[...document.querySelectorAll('body b')].some(b => b.textContent === 'x')"):
            yield "a task's name became markup"
        yield from page.complaints()
    if not facts["groups"]:
        yield "the hostile capture has no group"


def judge_loss(browser, program, folder):
    """A group whose count is the same before and behind lost events."""
    use = 'use: (iommu_device_use_default_domain+0x0/0x8c) dev="0000:03:00.{}" drv="nvme" grp=0xff11000000de8400 id=7 cnt={}'
    capture = os.path.join(folder, "loss")
    with open(capture, "w", encoding="utf-8") as file:
        file.write(event("vt", 9, 0, 5_000_000, use.format(0, 0)))
        file.write(event("vt", 9, 0, 6_000_000, "unuse" + use.format(0, 1)[3:].replace("_use_", "_unuse_")))
        file.write(event("vt", 9, 0, 7_000_000, use.format(0, 0)))
        file.write("CPU:0 [LOST 4711 EVENTS]\n")
        file.write(event("vt", 9, 0, 9_000_000, use.format(1, 1)))
    path, facts = report(program, capture, folder)
    with Page(browser) as page:
        page.open(path)
        yield from judge_gap(page, facts)
        yield from judge_legend(page)
        yield from page.complaints()


def judge_size(browser, program, folder):
    """Ten thousand changes: budgets in nodes, which no machine changes, and one in time, which a loaded one may miss once."""
    def pointed(call, device, count):
        return (f"{call}: (iommu_device_{call}_default_domain+0x0/0x8c) dev=\"0000:03:00.{device}\" drv=\"nvme\" "
                f"grp=0xff11000000de8400 id=7 cnt={count}")

    # Four devices take and give back in turn: the count goes up to 4 and down to 0 again.
    calm, count = [], 0
    for number in range(10_000):
        call = "use" if number // 4 % 2 == 0 else "unuse"
        calm.append(pointed(call, number % 4, count))
        count += 1 if call == "use" else -1
    yield from judge_crowd(browser, program, folder, "calm", calm, (0, 1, 2, 3, 4, 3, 2, 1, 0))
    # A device is bound 3 333 times, and every bind leaves a reference behind.
    leaking, count = [], 0
    for _ in range(3_333):
        leaking.append('probe: (really_probe+0x0/0x396) dev="0000:03:00.0" drv="nvme"')
        for call, change in (("use", 1), ("use", 1), ("unuse", -1)):
            leaking.append(pointed(call, 0, count))
            count += change
            if call == "use":
                leaking.append("use_x: (pci_dma_configure+0x9/0x8c <- iommu_device_use_default_domain) ret=0x0")
    yield from judge_crowd(browser, program, folder, "leaking", leaking, None)


def judge_crowd(browser, program, folder, name, lines, first_steps):
    capture = os.path.join(folder, name)
    with open(capture, "w", encoding="utf-8") as file:
        for number, line in enumerate(lines):
            file.write(event("kworker/u8:1", 57, 0, 5_000_000 + 300 * number, line))
    path, facts = report(program, capture, folder)
    changes = len(facts["groups"][0]["changes"])
    if changes < 9_999:
        yield f"{name}: the report has {changes} changes"
    times = []
    with Page(browser) as page:
        for _ in range(3):
            page.open(path)
            times.append(page.value("performance.getEntriesByName('interactive')[0].startTime"))
        page.value("document.querySelectorAll('details.quiet').forEach(d => d.open = true)")
        page.settle()
        page.settle()
        nodes = page.value("document.querySelectorAll('.chart svg *').length")
        steps = page.value("document.querySelector('path.count').getAttribute('d').length")
        height = page.value("document.querySelector('.chart svg').getBoundingClientRect().height")
        redraw = page.value("""Math.min(...[1, 2, 3].map(() => { const start = performance.now();
          page.charts.values().next().value.draw(view); return performance.now() - start }))""")
        # Zoomed in, single events are there again.
        page.value("view.set(0, 8 * 300e3); page.charts.values().next().value.draw(view)")
        near = states(page.value(DRAWN)[0])
        yield from page.complaints()
    if min(times) > 1000:
        yield f"{name}: interactive after {min(times):.0f} ms"
    if nodes > 6000 or steps > 60_000 or height > 600:
        yield f"{name}: the chart has {nodes} nodes, a path of {steps} characters and is {height} pixels high"
    if redraw > 150:
        yield f"{name}: a redraw takes {redraw:.0f} ms"
    if first_steps and near[:len(first_steps)] != [(n, n) for n in first_steps]:
        yield f"{name}: zoomed in, the first steps are {near}"
    size = os.path.getsize(path)
    if size > 3_000_000:
        yield f"{name}: the page has {size} bytes"
    print(f"{name}, {changes} changes: {size // 1000} kB, interactive after {min(times):.0f} ms, {nodes} nodes, "
          f"redraw {redraw:.1f} ms", file=sys.stderr)


def main(arguments):
    if len(arguments) < 2:
        print(__doc__, file=sys.stderr)
        return 64
    program, samples = os.path.abspath(arguments[0]), arguments[1:]
    is_clean = True
    with tempfile.TemporaryDirectory() as folder, Browser() as browser:
        judges = [(sample, judge_sample(browser, program, sample, folder)) for sample in samples]
        judges += [("hostile names", judge_hostile(browser, program, folder)), ("size", judge_size(browser, program, folder)),
                   ("loss", judge_loss(browser, program, folder))]
        for name, problems in judges:
            for problem in problems:
                is_clean = False
                print(ascii(f"{name}: {problem}")[1:-1])
    return 0 if is_clean else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
