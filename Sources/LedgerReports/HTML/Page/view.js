// What all charts share: the stretch of the axis in view, the toolbar, the keyboard, and the links that lead to a spot.
const view = {
  mode: timeline.axis,
  low: 0,
  high: 1,

  get full() {
    if (this.mode === "order") return [-0.6, timeline.events - 0.4];
    const margin = Math.max(500, timeline.span * 0.015);
    return [-margin, timeline.span + margin];
  },

  get smallest() { return this.mode === "order" ? 3 : 2000; },

  set(low, high) {
    const [first, last] = this.full;
    const width = Math.min(last - first, Math.max(this.smallest, high - low));
    const from = Math.max(first, Math.min(last - width, (low + high - width) / 2));
    this.low = from;
    this.high = from + width;
  },

  zoom(factor, around = (this.low + this.high) / 2) {
    this.set(around - (around - this.low) * factor, around + (this.high - around) * factor);
  },

  show(position) {
    const width = this.high - this.low;
    if (position < this.low || position > this.high) this.set(position - width / 2, position + width / 2);
  },

  // A round distance between ticks, so that at most `most` fit.
  ticks(most) {
    const step = roundStep((this.high - this.low) / most, 1);
    return { step, digits: Math.max(0, Math.min(9, 9 - Math.floor(Math.log10(step) + 1e-9))) };
  },

  // Multiples of the step on the capture's clock, as offsets from where the axis starts.
  tickOffsets(step) {
    const offsets = [];
    const phase = timeline.phase(step);
    for (let at = Math.ceil((this.low + phase) / step) * step - phase; at <= this.high; at += step) offsets.push(at);
    return offsets;
  },
};

const page = (() => {
  const charts = new Map();
  const waiting = new Set();
  const hint = "Point at the chart to read the lines behind it.";
  let cameFrom = null;
  const byId = (id) => document.getElementById(id);

  // MARK: Drawing what is on the screen

  const observer = new IntersectionObserver((entries) => {
    for (const { target, isIntersecting } of entries) {
      const chart = chartOf(target);
      chart.isVisible = isIntersecting;
      if (isIntersecting) later(chart);
    }
  }, { rootMargin: "300px" });

  const resizing = new ResizeObserver((entries) => {
    for (const { target } of entries) {
      const chart = chartOf(target);
      // What is out of sight is drawn when it comes into view.
      if (chart.isVisible && target.clientWidth !== chart.width) later(chart);
    }
  });

  function chartOf(element) {
    if (!charts.has(element)) charts.set(element, new Chart(element, Number(element.dataset.group)));
    return charts.get(element);
  }

  function later(chart) {
    if (waiting.size === 0) requestAnimationFrame(drawWaiting);
    waiting.add(chart);
  }

  function drawWaiting() {
    for (const chart of waiting) chart.draw(view);
    waiting.clear();
  }

  function redraw() {
    for (const chart of charts.values()) if (chart.isVisible) later(chart);
    describeRange();
  }

  function describeRange() {
    const [first, last] = view.full;
    const isAll = view.low <= first && view.high >= last;
    let words = `${Math.ceil(view.high - view.low - 0.5)} events`;
    if (view.mode === "time") {
      const inside = (at) => Math.max(0, Math.min(timeline.span, at));
      words = `${timeline.seconds(inside(view.low))} to ${timeline.seconds(inside(view.high))} s`;
    }
    byId("range").textContent = (isAll ? "all: " : "") + words;
    byId("axis-time").setAttribute("aria-pressed", view.mode === "time");
    byId("axis-order").setAttribute("aria-pressed", view.mode === "order");
  }

  // MARK: Reading an event

  function read(chart, i, isSpoken) {
    const readout = byId(`readout-${chart.index}`);
    if (i < 0) {
      readout.replaceChildren(Object.assign(document.createElement("p"), { className: "hint", textContent: hint }));
      return;
    }
    const told = timeline.describe(chart.index, i);
    const first = document.createElement("p");
    const link = document.createElement("a");
    link.href = `#e${chart.index}-${i}`;
    link.textContent = told.where;
    first.append(told.when ? `${told.when}, ` : "", link, `: ${told.what}`);
    const rest = [first];
    if (told.notes.length) rest.push(Object.assign(document.createElement("p"), { textContent: told.notes.join("; ") }));
    if (told.text) rest.push(Object.assign(document.createElement("code"), { textContent: told.text }));
    readout.replaceChildren(...rest);
    if (isSpoken) byId("announcer").textContent = [told.what, told.when, told.where, ...told.notes].join(", ");
  }

  function select(chart, i, isSpoken) {
    chart.pinned = i;
    chart.selected = i;
    const position = (view.mode === "time" ? chart.group.at : chart.group.rank)[i];
    if (position < view.low || position > view.high) {
      view.show(position);
      redraw();
    }
    if (chart.cursor && !waiting.has(chart)) chart.drawCursor();
    read(chart, i, isSpoken);
  }

  function hover(chart, i) {
    if (chart.selected === i) return;
    chart.selected = i;
    chart.drawCursor();
    read(chart, i, false);
  }

  // MARK: Pointer and keyboard

  function xOf(chart, event) {
    const box = chart.svg.getBoundingClientRect();
    return (event.clientX - box.left) * (chart.width / box.width);
  }

  function attach(element) {
    const chart = chartOf(element);
    chart.pinned = -1;
    let from = null;
    element.addEventListener("pointermove", (event) => {
      if (!chart.view) return;
      const x = xOf(chart, event);
      if (from !== null && event.buttons) brush(chart, from, x); else hover(chart, chart.nearest(x));
    });
    element.addEventListener("pointerleave", () => hover(chart, chart.pinned));
    element.addEventListener("pointerdown", (event) => {
      if (event.button !== 0 || event.pointerType === "touch") return;
      from = xOf(chart, event);
      element.setPointerCapture(event.pointerId);
    });
    element.addEventListener("pointerup", (event) => {
      const x = xOf(chart, event);
      if (from !== null && Math.abs(x - from) > 5) {
        const [a, b] = [Math.min(x, from), Math.max(x, from)].map((at) => view.low + (chart.clamp(at) - chart.left) / chart.scale);
        view.set(a, b);
        redraw();
      } else if (chart.view) {
        select(chart, chart.nearest(x), false);
      }
      from = null;
    });
    element.addEventListener("dblclick", () => press("0", chart));
    element.addEventListener("wheel", (event) => {
      if (!event.ctrlKey && !event.metaKey) return;
      event.preventDefault();
      view.zoom(event.deltaY > 0 ? 1.25 : 0.8, view.low + (xOf(chart, event) - chart.left) / chart.scale);
      redraw();
    }, { passive: false });
    element.addEventListener("keydown", (event) => {
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      if (press(event.shiftKey && event.key.startsWith("Arrow") ? `Shift${event.key}` : event.key, chart)) event.preventDefault();
    });
    read(chart, -1, false);
    observer.observe(element);
    resizing.observe(element);
  }

  function brush(chart, from, to) {
    chart.svg.querySelector(".brush")?.remove();
    const [a, b] = [Math.min(from, to), Math.max(from, to)].map((x) => chart.clamp(x));
    Chart.node("rect", { class: "brush", x: a, width: b - a, y: 1, height: chart.bottom - 1 }, chart.svg);
  }

  function press(key, chart) {
    const last = chart.group.count - 1;
    const width = view.high - view.low;
    const at = chart.pinned >= 0 ? chart.positions?.[chart.pinned] : undefined;
    const steps = {
      ArrowRight: () => select(chart, Math.min(last, chart.pinned + 1), true),
      ArrowLeft: () => select(chart, Math.max(0, chart.pinned - 1), true),
      Home: () => select(chart, 0, true),
      End: () => select(chart, last, true),
      ShiftArrowRight: () => view.set(view.low + width / 4, view.high + width / 4),
      ShiftArrowLeft: () => view.set(view.low - width / 4, view.high - width / 4),
      "+": () => view.zoom(0.5, at),
      "=": () => view.zoom(0.5, at),
      "-": () => view.zoom(2, at),
      0: () => view.set(...view.full),
      Escape: () => cameFrom?.focus(),
    };
    if (!steps[key]) return false;
    steps[key]();
    if (!key.startsWith("Arrow")) redraw();
    return true;
  }

  // MARK: Links

  function follow(link) {
    const [group, i] = link.dataset.event.split(" ").map(Number);
    const element = document.querySelector(`.chart[data-group="${group}"]`);
    if (!element) return false;
    const closed = element.closest("details");
    if (closed) closed.open = true;
    cameFrom = link;
    const chart = chartOf(element);
    select(chart, i, true);
    element.focus({ preventScroll: true });
    element.scrollIntoView({ block: "center" });
    return true;
  }

  // Rows beyond those in the page, a thousand at a time, so that the page stays responsive.
  function addRows(index, button) {
    const table = byId(`table-${index}`);
    const body = table.tBodies[0];
    const group = timeline.groups[index];
    const from = body.rows.length;
    const to = Math.min(group.count, from + 1000);
    for (let i = from; i < to; i++) {
      const row = body.insertRow();
      row.id = `e${index}-${i}`;
      row.className = timeline.markName(group, i);
      for (const cell of timeline.row(index, i)) row.insertCell().textContent = cell;
    }
    if (to < group.count) button.textContent = `Show more rows (${group.count - to} left)`;
    else button.remove();
  }

  function onPress(id, action) {
    byId(id)?.addEventListener("click", () => { action(); redraw(); });
  }

  function choose(mode) {
    if (view.mode === mode) return;
    view.mode = mode;
    view.set(...view.full);
  }

  document.documentElement.classList.add("scripted");
  const elements = document.querySelectorAll(".chart");
  if (elements.length) {
    view.set(...view.full);
    elements.forEach(attach);
    onPress("zoom-in", () => view.zoom(0.5));
    onPress("zoom-out", () => view.zoom(2));
    onPress("zoom-fit", () => view.set(...view.full));
    onPress("axis-time", () => choose("time"));
    onPress("axis-order", () => choose("order"));
    byId("axis-time").hidden = timeline.axis !== "time";
    describeRange();
  }
  document.addEventListener("click", (event) => {
    const link = event.target.closest?.("a[data-event]");
    if (link && follow(link)) event.preventDefault();
    const button = event.target.closest?.("button.more");
    if (button) addRows(Number(button.dataset.table), button);
  });
  // Paper cannot be opened: what is folded and short is unfolded for it, and folded again.
  let unfolded = [];
  addEventListener("beforeprint", () => {
    unfolded = [...document.querySelectorAll("details:not([open])")].filter((one) => {
      const table = one.querySelector(":scope > .scroll > table");
      return !table || Number(table.dataset.shown) <= 60;
    });
    for (const details of unfolded) details.open = true;
    for (const chart of charts.values()) chart.draw(view);
  });
  addEventListener("afterprint", () => {
    for (const details of unfolded) details.open = false;
  });
  performance.mark("interactive");
  return { charts, select };
})();
