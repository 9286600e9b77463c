// One group's chart: the count as steps, marks above it, and below it a lane of bars for each device.
//
// Nothing narrower than a pixel is drawn twice, so that ten thousand events cost what the chart is wide.
class Chart {
  static markRow = 18;
  static rowHeight = 15;
  static axisHeight = 20;
  // No mark comes nearer to another.
  static markRoom = 13;
  static marks = {
    leak: "M0 -6L6 0L0 6L-6 0Z", refusal: "M-5 -5L5 5M5 -5L-5 5", warning: "M0 -6L6 5H-6Z",
    claim: "M-5 0A5 5 0 1 0 5 0A5 5 0 1 0 -5 0Z", loss: "M-6 3L-2 -3L2 3L6 -3", line: "M0 -4V4",
  };
  // When marks crowd, the gravest stays.
  static order = ["leak", "refusal", "warning", "claim", "loss", "line"];

  constructor(element, index) {
    this.element = element;
    this.index = index;
    this.group = timeline.groups[index];
    this.selected = -1;
    this.svg = Chart.node("svg", { "aria-hidden": "true" });
    element.replaceChildren(this.svg);
  }

  static node(name, attributes, parent) {
    const node = document.createElementNS("http://www.w3.org/2000/svg", name);
    for (const key in attributes) node.setAttribute(key, attributes[key]);
    if (parent) parent.append(node);
    return node;
  }

  // MARK: Geometry

  layOut(view, wanted) {
    const width = Math.max(260, Math.round(wanted ?? (this.element.clientWidth || 700)));
    const isNarrow = width < 560;
    this.width = width;
    // A narrow window has no room for names beside the bars: they stand above them.
    this.left = isNarrow ? 24 : 16 + 6.7 * Math.min(20, Math.max(8, ...this.group.lanes.map((lane) => lane.label.length)));
    this.right = width - 14;
    this.nameHeight = isNarrow ? 14 : 0;
    this.unit = Math.min(22, 130 / this.group.top);
    this.stepTop = Chart.markRow + 8;
    this.base = this.stepTop + Math.max(40, this.unit * this.group.top);
    let y = this.base + 12;
    this.lanes = this.group.lanes.map((lane) => {
      const top = y + this.nameHeight;
      y = top + lane.rows * Chart.rowHeight + 5;
      return top;
    });
    this.bottom = y;
    this.height = y + Chart.axisHeight;
    this.view = view;
    this.positions = view.mode === "time" ? this.group.at : this.group.rank;
    this.scale = (this.right - this.left) / (view.high - view.low);
  }

  x(position) { return this.left + (position - this.view.low) * this.scale; }
  positionAt(x) { return this.view.low + (x - this.left) / this.scale; }
  xOf(i) { return this.x(this.positions[i]); }
  y(count) { return this.base - count * this.unit; }
  clamp(x) { return Math.max(this.left, Math.min(this.right, x)); }

  // The first event at or behind a position.
  firstAt(position) {
    let low = 0;
    let high = this.group.count;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.positions[middle] < position) low = middle + 1; else high = middle;
    }
    return low;
  }

  nearest(x) {
    const i = this.firstAt(this.positionAt(x));
    if (i >= this.group.count) return this.group.count - 1;
    return i > 0 && x - this.xOf(i - 1) < this.xOf(i) - x ? i - 1 : i;
  }

  // MARK: Drawing

  draw(view, width) {
    this.layOut(view, width);
    const svg = this.svg;
    svg.replaceChildren();
    svg.setAttribute("viewBox", `0 0 ${this.width} ${this.height}`);
    this.drawGrid();
    this.drawLosses();
    this.drawCount();
    this.drawLanes();
    this.drawMarks();
    this.drawTicks();
    this.cursor = Chart.node("g", { class: "cursor" }, svg);
    this.drawCursor();
  }

  text(x, y, content, attributes = {}) {
    const node = Chart.node("text", { x: x.toFixed(1), y: y.toFixed(1), ...attributes }, this.svg);
    node.textContent = content;
    return node;
  }

  drawGrid() {
    // A number for every count, where there is room for it.
    const step = roundStep(14 / this.unit, 1);
    for (let count = 0; count <= this.group.top; count += step) {
      const y = this.y(count);
      Chart.node("path", { class: "grid", d: `M${this.left} ${y}H${this.right}` }, this.svg);
      const label = this.text(this.left - 6, y + 4, `${count}`, { "text-anchor": "end" });
      label.dataset.count = count;
    }
    // The axis gives the count a name where there is room for one.
    if (!this.nameHeight) this.text(4, Chart.markRow - 4, "owner_cnt");
  }

  // What is known between the events in view: [from, to, low, high], with what is narrower than a pixel as a stroke where
  // it begins. Where evidence is missing nothing is known, up to the event that shows a count again.
  *states() {
    const { low, high, gap, blind, call, initial, count } = this.group;
    let i = this.firstAt(this.view.low);
    let state = blind[i - 1] ? null : i > 0 ? [low[i - 1], high[i - 1]] : initial;
    let x = this.left;
    let stroke = null;
    let isShown = false;
    for (; i < count; i++) {
      const at = this.xOf(i);
      if (at > this.right) break;
      if (at - x >= 1 || stroke === null) {
        yield { from: x, to: at, state, stroke, isShown };
        stroke = [Infinity, -Infinity];
        isShown = false;
        x = at;
      }
      const before = gap[i] ?? state;
      state = blind[i] ? null : [low[i], high[i]];
      if (call[i] < 0) continue;
      // The first count behind a gap is seen right before the call.
      if (gap[i]) isShown = before[0] === before[1] && low[i] === high[i];
      for (const level of [before?.[0], low[i]]) if (level !== undefined) stroke = [Math.min(stroke[0], level), Math.max(stroke[1], level)];
    }
    yield { from: x, to: this.right, state, stroke, isShown };
  }

  drawCount() {
    let line = "";
    let band = "";
    let isDown = false;
    for (const { from, to, state, stroke, isShown } of this.states()) {
      if (stroke && stroke[1] > stroke[0]) {
        if (isDown) line += `V${this.y(stroke[1])}V${this.y(stroke[0])}`;
        else if (isShown) line += `M${from.toFixed(1)} ${this.y(stroke[0])}V${this.y(stroke[1])}`;
        isDown ||= isShown;
      }
      if (!state) {
        isDown = false;
        continue;
      }
      const [low, high] = state;
      if (high === low) {
        line += isDown ? `V${this.y(low)}` : `M${from.toFixed(1)} ${this.y(low)}`;
        line += `H${to.toFixed(1)}`;
        isDown = true;
      } else {
        const top = high < 0 ? Chart.markRow : this.y(high);
        band += `M${from.toFixed(1)} ${top}H${to.toFixed(1)}V${this.y(low)}H${from.toFixed(1)}Z`;
        isDown = false;
      }
    }
    if (band) Chart.node("path", { class: "band", d: band }, this.svg);
    this.drawExcess();
    this.drawHeld();
    if (line) Chart.node("path", { class: "count", d: line }, this.svg);
  }

  // What is certainly above the legitimate holders: leaked, or taken by somebody whom the capture does not show.
  drawExcess() {
    const { held, leaked, low, blind, count, initial, heldBefore } = this.group;
    const levels = (i) => {
      if (blind[i]) return [0, 0, 0];
      const [base, top] = i < 0 ? [heldBefore, initial[0]] : [held[i], low[i]];
      return [base, Math.max(base, Math.min(top, base + leaked[i])), top];
    };
    const area = (from, to, bottom, top) => top > bottom
      ? `M${from.toFixed(1)} ${this.y(top)}H${to.toFixed(1)}V${this.y(bottom)}H${from.toFixed(1)}Z` : "";
    let i = this.firstAt(this.view.low) - 1;
    let x = this.left;
    let leak = "";
    let stray = "";
    for (; i < count && x < this.right; i++) {
      const to = i + 1 < count ? Math.min(this.right, this.xOf(i + 1)) : this.right;
      if (to - x < 1 && i + 1 < count) continue;
      const [base, middle, top] = levels(i);
      leak += area(x, to, base, middle);
      stray += area(x, to, middle, top);
      x = to;
    }
    if (stray) Chart.node("path", { class: "stray", d: stray }, this.svg);
    if (leak) Chart.node("path", { class: "excess", d: leak }, this.svg);
  }

  drawHeld() {
    const { held, blind, count, heldBefore } = this.group;
    const first = this.firstAt(this.view.low);
    let value = null;
    let path = "";
    let last = -Infinity;
    for (let i = first - 1; i < count; i++) {
      const x = i < first ? this.left : this.xOf(i);
      if (x > this.right) break;
      const next = blind[i] ? null : i < 0 ? heldBefore : held[i];
      if (next === value) continue;
      if (value !== null && x - last >= 1) path += `H${x.toFixed(1)}`;
      if (next !== null) path += value === null ? `M${x.toFixed(1)} ${this.y(next)}` : `V${this.y(next)}`;
      value = next;
      last = x;
    }
    if (value !== null) path += `H${this.right}`;
    if (path) Chart.node("path", { class: "held", d: path }, this.svg);
  }

  // From the last call that was seen to the next one: in between anything may have happened.
  drawLosses() {
    const { blind, count } = this.group;
    let path = "";
    let painted = -1;
    for (let i = this.firstAt(this.view.low) - 1; i < count; i++) {
      if (!blind[i]) continue;
      const from = i < 0 ? this.left : this.clamp(this.xOf(i));
      while (i + 1 < count && blind[i + 1]) i++;
      const to = i + 1 < count ? this.clamp(this.xOf(i + 1)) : this.right;
      if (to <= from || to - painted < 1) continue;
      path += `M${from.toFixed(1)} ${Chart.markRow}H${to.toFixed(1)}V${this.base}H${from.toFixed(1)}Z`;
      painted = to;
    }
    if (path) Chart.node("path", { class: "lost", d: path }, this.svg);
  }

  drawLanes() {
    this.group.lanes.forEach((lane, index) => {
      const top = this.lanes[index];
      const label = lane.label.length > 20 ? `${lane.label.slice(0, 19)}…` : lane.label;
      if (this.nameHeight) this.text(this.left, top - 3, label);
      else this.text(this.left - 8, top + Chart.rowHeight - 4, label, { "text-anchor": "end" });
      if (lane.more && !this.nameHeight) this.text(this.left - 8, top + 2 * Chart.rowHeight - 4, `+${lane.more} more`, { "text-anchor": "end" });
      const ends = new Array(lane.rows).fill(-1);
      for (const holding of lane.holdings) this.drawBar(holding, top + holding.row * Chart.rowHeight + 2, ends);
    });
  }

  drawBar(holding, y, ends) {
    const isOpen = holding.last < 0;
    const start = holding.first < 0 ? this.left : this.xOf(holding.first);
    const end = isOpen ? this.right : this.xOf(holding.last);
    if (end < this.left || start > this.right) return;
    const x0 = this.clamp(start);
    const x1 = Math.max(x0 + 1.5, this.clamp(end));
    if (x1 - ends[holding.row] < 1) return;
    ends[holding.row] = x1;
    const height = Chart.rowHeight - 4;
    const [left, right] = [x0.toFixed(1), x1.toFixed(1)];
    // A bar without an end is an arrow, one without a beginning is notched.
    const tip = isOpen && x1 - x0 > 12 ? 6 : 0;
    const notch = holding.first < 0 && x1 - x0 > 12 ? 5 : 0;
    const d = `M${left} ${y}H${(x1 - tip).toFixed(1)}L${right} ${y + height / 2}L${(x1 - tip).toFixed(1)} ${y + height}H${left}` +
      `L${(x0 + notch).toFixed(1)} ${y + height / 2}Z`;
    const bar = Chart.node("path", { class: `bar ${holding.kind}`, d }, this.svg);
    bar.dataset.first = holding.first;
    bar.dataset.open = isOpen;
    this.drawBarLabel(holding, x0 + notch + 4, x1 - tip - 4, y + height - 2);
    // What goes on outside of the view has no edge there.
    for (const x of [start < this.left ? this.left : null, end > this.right ? this.right : null]) {
      if (x !== null && !notch && !tip) Chart.node("path", { class: "cut", d: `M${x} ${y - 1}V${y + height + 1}` }, this.svg);
    }
  }

  drawBarLabel(holding, left, right, y) {
    const words = { leaked: "leaked", suspected: "perhaps leaked", unknown: "whose?", owner: "owner" };
    let label = words[holding.kind] ?? holding.driver;
    if (holding.kind === "leaked" && holding.driver) label = `${holding.driver}: leaked`;
    if (holding.count !== 1 && holding.count >= 0) label = `${holding.count} × ${label}`;
    if (!label) return;
    const width = label.length * 6.1 + 4;
    if (width > right - left) return;
    // Stripes behind letters would be read with them.
    if (holding.kind === "leaked") Chart.node("rect", { class: "plate", x: left - 2, y: y - 8, width, height: 9 }, this.svg);
    this.text(left, y, label, { class: `inside ${holding.kind}` });
  }

  drawMarks() {
    const crowd = new Map();
    const outranks = (name, other) => Chart.order.indexOf(name) < Chart.order.indexOf(other);
    for (let i = this.firstAt(this.view.low); i < this.group.count; i++) {
      const x = this.xOf(i);
      if (x > this.right) break;
      const name = timeline.markName(this.group, i);
      if (name === "none") continue;
      const slot = Math.floor(x / Chart.markRoom);
      const near = [slot - 1, slot].map((place) => crowd.get(place)).filter((mark) => mark && x - mark.x < Chart.markRoom);
      if (near.some((mark) => !outranks(name, mark.name))) continue;
      for (const mark of near) crowd.delete(mark.slot);
      crowd.set(slot, { name, x, i, slot });
    }
    for (const { name, x, i } of crowd.values()) {
      const foot = this.y(this.group.low[i]);
      if (name !== "line") Chart.node("path", { class: `stem ${name}`, d: `M${x.toFixed(1)} ${Chart.markRow}V${foot}` }, this.svg);
      Chart.node("path", { class: `mark ${name}`, d: Chart.marks[name], transform: `translate(${x.toFixed(1)} 10)` }, this.svg);
    }
  }

  drawTicks() {
    const y = this.bottom;
    Chart.node("path", { class: "grid", d: `M${this.left} ${y}H${this.right}` }, this.svg);
    const label = (x, words) => {
      Chart.node("path", { class: "grid", d: `M${x.toFixed(1)} ${y}v4` }, this.svg);
      // A number stands below its tick, or not at all.
      const half = 3.4 * words.length;
      if (x >= half && x + half <= this.width) this.text(x, y + 16, words, { class: "tick", "text-anchor": "middle" });
    };
    const words = (at, digits) => timeline.moment(timeline.clock(at, digits));
    if (this.view.mode === "time") {
      // The longer the numbers, the fewer.
      let { step, digits } = this.view.ticks((this.right - this.left) / 70);
      const room = Math.max(70, 6.7 * words(this.view.high, digits).length + 24);
      ({ step, digits } = this.view.ticks((this.right - this.left) / room));
      for (const offset of this.view.tickOffsets(step)) label(this.x(offset), words(offset, digits));
      return;
    }
    let last = -Infinity;
    for (let i = this.firstAt(this.view.low); i < this.group.count; i++) {
      const x = this.xOf(i);
      if (x > this.right) break;
      if (x - last < 100) continue;
      label(x, timeline.axis === "time" ? words(this.group.at[i]) : `line ${this.group.line[i]}`);
      last = x;
    }
  }

  drawCursor() {
    this.cursor.replaceChildren();
    if (this.selected < 0) return;
    const x = this.xOf(this.selected);
    if (x < this.left - 1 || x > this.right + 1) return;
    Chart.node("line", { x1: x, x2: x, y1: Chart.markRow, y2: this.bottom }, this.cursor);
    // A line in a gap shows no count.
    if (this.group.blind[this.selected] && this.group.call[this.selected] < 0) return;
    Chart.node("circle", { cx: x, cy: this.y(this.group.low[this.selected]), r: 4 }, this.cursor);
  }
}
