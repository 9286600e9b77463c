// What all charts share: the stretch of the axis in view, the toolbar, the keyboard, and the links that lead to a spot.
const view = {
  mode: timeline.axis,
  low: 0,
  high: 1,

  get full() {
    if (this.mode === "order") return [-0.6, timeline.events];
    // What begins with the last event needs room to be seen.
    const margin = Math.max(timeline.ticks ? 1 : 500, timeline.span * 0.015);
    return [-margin, timeline.span + 3 * margin];
  },

  get smallest() { return this.mode === "order" || timeline.ticks ? 3 : 2000; },

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
  let cameFrom = null;
  // Where the buttons zoom: at what was selected last, as long as it is in view.
  let lastSelected = null;
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
      words = timeline.moment(timeline.clock(inside(view.low)), timeline.clock(inside(view.high)));
    }
    byId("range").textContent = (isAll ? "all: " : "") + words;
    byId("axis-time").setAttribute("aria-pressed", view.mode === "time");
    byId("axis-order").setAttribute("aria-pressed", view.mode === "order");
  }

  // MARK: Reading an event

  function hint(chart) {
    const point = "Point at the chart, or tap it, to read the lines behind it.";
    const { count } = chart.group;
    return count < 500 ? point : `${point} ${count} events are more than can be told apart: zoom in to see each.`;
  }

  function read(chart, i) {
    const readout = byId(`readout-${chart.index}`);
    if (i < 0) {
      readout.replaceChildren(Object.assign(document.createElement("p"), { className: "hint", textContent: hint(chart) }));
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
  }

  // What a screen reader says of the chosen event.
  function speak(chart, i) {
    const told = timeline.describe(chart.index, i);
    chart.element.setAttribute("aria-valuenow", i + 1);
    chart.element.setAttribute("aria-valuetext", [told.what.replaceAll(" → ", " to "), told.when, told.where, ...told.notes].filter(Boolean).join(", "));
  }

  function select(chart, i) {
    chart.pinned = i;
    chart.selected = i;
    lastSelected = chart;
    const position = positionOf(chart);
    if (position < view.low || position > view.high) {
      view.show(position);
      redraw();
    }
    if (chart.cursor && !waiting.has(chart)) chart.drawCursor();
    read(chart, i);
    speak(chart, i);
  }

  function positionOf(chart) {
    return (view.mode === "time" ? chart.group.at : chart.group.rank)[chart.pinned];
  }

  function zoomAt(factor, chart = lastSelected) {
    const at = chart && chart.pinned >= 0 ? positionOf(chart) : undefined;
    view.zoom(factor, at >= view.low && at <= view.high ? at : undefined);
  }

  function hover(chart, i) {
    if (chart.selected === i) return;
    chart.selected = i;
    chart.drawCursor();
    read(chart, i);
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
      if (!chart.view || event.pointerType === "touch") return;
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
      if (event.pointerType === "touch") return;
      const x = xOf(chart, event);
      if (from !== null && Math.abs(x - from) > 5) {
        const [a, b] = [Math.min(x, from), Math.max(x, from)].map((at) => chart.positionAt(chart.clamp(at)));
        view.set(a, b);
        redraw();
      } else if (chart.view) {
        select(chart, chart.nearest(x));
      }
      from = null;
    });
    element.addEventListener("dblclick", () => press("0", chart));
    element.addEventListener("wheel", (event) => {
      const isZoom = event.ctrlKey || event.metaKey;
      const sideways = event.shiftKey && !event.deltaX ? event.deltaY : event.deltaX;
      if (!isZoom && Math.abs(sideways) <= Math.abs(event.shiftKey ? 0 : event.deltaY)) return;
      event.preventDefault();
      if (isZoom) view.zoom(event.deltaY > 0 ? 1.25 : 0.8, chart.positionAt(xOf(chart, event)));
      else view.set(view.low + sideways / chart.scale, view.high + sideways / chart.scale);
      redraw();
    }, { passive: false });
    element.addEventListener("keydown", (event) => {
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      if (press(event.shiftKey && event.key.startsWith("Arrow") ? `Shift${event.key}` : event.key, chart)) event.preventDefault();
    });
    attachFingers(element, chart);
    read(chart, -1);
    observer.observe(element);
    resizing.observe(element);
  }

  // One finger taps, or moves what is zoomed in; two stretch the axis. Up and down is the page's.
  function attachFingers(element, chart) {
    const fingers = new Map();
    let hasMoved = false;
    const lift = (event) => {
      if (fingers.delete(event.pointerId) && !hasMoved && event.type === "pointerup") select(chart, chart.nearest(xOf(chart, event)));
    };
    element.addEventListener("pointerdown", (event) => {
      if (event.pointerType !== "touch" || !chart.view) return;
      hasMoved = fingers.size > 0;
      fingers.set(event.pointerId, xOf(chart, event));
    });
    element.addEventListener("pointermove", (event) => {
      if (!fingers.has(event.pointerId)) return;
      const before = [...fingers.values()];
      const positions = before.map((x) => chart.positionAt(x));
      const x = xOf(chart, event);
      if (!hasMoved && Math.abs(x - before[0]) < 6) return;
      hasMoved = true;
      fingers.set(event.pointerId, x);
      const after = [...fingers.values()];
      // What was under each finger stays under it.
      let width = view.high - view.low;
      if (after.length > 1 && Math.abs(after[1] - after[0]) > 8) {
        width = Math.abs((positions[1] - positions[0]) / (after[1] - after[0])) * (chart.right - chart.left);
      }
      const low = positions[0] - (after[0] - chart.left) * width / (chart.right - chart.left);
      view.set(low, low + width);
      // The next move is measured on what is drawn, and drawing waits for the next frame.
      chart.layOut(view);
      redraw();
    });
    element.addEventListener("pointerup", lift);
    element.addEventListener("pointercancel", lift);
  }

  function brush(chart, from, to) {
    chart.svg.querySelector(".brush")?.remove();
    const [a, b] = [Math.min(from, to), Math.max(from, to)].map((x) => chart.clamp(x));
    Chart.node("rect", { class: "brush", x: a, width: b - a, y: 1, height: chart.bottom - 1 }, chart.svg);
  }

  function press(key, chart) {
    const last = chart.group.count - 1;
    const width = view.high - view.low;
    const steps = {
      ArrowRight: () => select(chart, Math.min(last, chart.pinned + 1)),
      ArrowLeft: () => select(chart, Math.max(0, chart.pinned - 1)),
      Home: () => select(chart, 0),
      End: () => select(chart, last),
      ShiftArrowRight: () => view.set(view.low + width / 4, view.high + width / 4),
      ShiftArrowLeft: () => view.set(view.low - width / 4, view.high - width / 4),
      "+": () => zoomAt(0.5, chart),
      "=": () => zoomAt(0.5, chart),
      "-": () => zoomAt(2, chart),
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
    select(chart, i);
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
    onPress("zoom-in", () => zoomAt(0.5));
    onPress("zoom-out", () => zoomAt(2));
    onPress("zoom-fit", () => view.set(...view.full));
    onPress("axis-time", () => choose("time"));
    onPress("axis-order", () => choose("order"));
    // Without times there is nothing to choose.
    byId("axis-time").parentElement.hidden = timeline.axis !== "time";
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
    // As wide as a sheet between its margins, so that letters keep their size on it.
    for (const chart of charts.values()) chart.draw(view, 720);
  });
  addEventListener("afterprint", () => {
    for (const details of unfolded) details.open = false;
    redraw();
  });
  performance.mark("interactive");
  return { charts, select };
})();
