"use strict";

// The least round number, 1, 2 or 5 with zeros, that is no less than either.
function roundStep(least, smallest) {
  const wanted = Math.max(least, smallest);
  const power = 10 ** Math.floor(Math.log10(wanted));
  return [1, 2, 5, 10].map((factor) => factor * power).find((round) => round >= wanted);
}

// The page's data: columns of numbers, turned into what the charts ask for. Every string in it was made printable by
// the writer and is only ever shown as text.
const timeline = (() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const start = BigInt(data.start);
  const string = (index) => (index < 0 ? "" : data.strings[index]);

  function readGroup(raw) {
    const column = (name) => {
      const values = raw.events[name];
      return Array.isArray(values) ? values : new Array(raw.count).fill(values);
    };
    const group = {
      name: raw.name, count: raw.count, initial: raw.initial, final: raw.final, endsInGap: raw.open === true,
      at: column("at"), rank: column("rank"), call: column("call"), mark: column("mark"), low: column("low"),
      high: column("high"), held: column("held"), source: column("source"), line: column("line"),
      device: column("device"), driver: column("driver"), comm: column("comm"), pid: column("pid"), cpu: column("cpu"),
      result: raw.events.result, gap: raw.events.gap, text: raw.events.text, notes: raw.events.notes,
    };
    group.lanes = raw.lanes.map(readLane);
    const rightful = ["returned", "bound", "owner"];
    group.heldBefore = group.lanes.flatMap((lane) => lane.holdings)
      .reduce((sum, one) => sum + (one.first < 0 && rightful.includes(one.kind) ? Math.max(0, one.count) : 0), 0);
    group.leaked = leakedAt(group);
    group.blind = blindAfter(group);
    const counts = [...group.low, ...group.high, ...raw.initial, ...raw.final];
    // What nothing bounds rises above what is known.
    group.top = counts.reduce((top, count) => Math.max(top, count), 1) + (counts.includes(-1) ? 1 : 0);
    return group;
  }

  // How many references are leaked after each event; the entry at -1 is for the time before the first.
  function leakedAt(group) {
    const change = new Array(group.count + 1).fill(0);
    for (const { kind, count, first } of group.lanes.flatMap((lane) => lane.holdings)) {
      if (kind === "leaked") change[first + 1] += Math.max(0, count);
    }
    const leaked = [];
    change.reduce((sum, more, i) => (leaked[i - 1] = sum + more), 0);
    return leaked;
  }

  // Behind which events evidence is missing: from the last call that was seen to the one behind the gap. The entry at -1
  // is for the time before the first event.
  function blindAfter({ count, call, gap, endsInGap }) {
    const blind = new Array(count).fill(false);
    let last = -1;
    const hide = (next) => { for (let i = last; i < next; i++) blind[i] = true; };
    for (let i = 0; i < count; i++) {
      if (gap[i]) hide(i);
      if (call[i] >= 0) last = i;
    }
    if (endsInGap) hide(count);
    return blind;
  }

  // More rows than `most` say nothing more to the eye: the rest share the last one.
  function readLane(raw) {
    const most = 8;
    const holdings = raw.holdings.map(([kind, count, driver, first, last, row]) => (
      { kind: data.kinds[kind], count, driver: string(driver), first, last, row: Math.min(row, most - 1) }));
    const last = raw.holdings.filter((holding) => holding[5] >= most - 1).length;
    return { label: string(raw.name), holdings, more: Math.max(0, last - 1), rows: holdings.reduce((rows, { row }) => Math.max(rows, row + 1), 1) };
  }

  // Seconds of the capture's clock, as the text report prints them; the plain number of a clock that counts something else.
  function clock(offset, digits = 6) {
    if (data.ticks) return (start + BigInt(Math.round(offset))).toString();
    const unit = 10n ** BigInt(9 - digits);
    let value = (start + BigInt(Math.round(offset)) + unit / 2n) / unit;
    const sign = value < 0n ? "-" : "";
    if (value < 0n) value = -value;
    const text = value.toString().padStart(digits + 1, "0");
    return digits === 0 ? sign + text : sign + text.slice(0, -digits) + "." + text.slice(-digits);
  }

  // A moment, or a stretch between two, with its unit.
  const moment = (...clocks) => (data.ticks ? `tick ${clocks.join(" to ")}` : `${clocks.join(" to ")} s`);

  // How far the first event is from the last multiple of a step, so that ticks stand at round times.
  function phase(step) {
    const unit = BigInt(Math.max(1, Math.round(step)));
    return Number(((start % unit) + unit) % unit);
  }

  function countText(low, high) {
    return high === low ? `${low}` : high < 0 ? (low === 0 ? "unknown" : `at least ${low}`) : `${low} to ${high}`;
  }

  const groups = data.groups.map(readGroup);

  // What one event is, in the words of the readout.
  function describe(groupIndex, i) {
    const group = groups[groupIndex];
    const parts = [];
    const mark = data.marks[group.mark[i]];
    const notes = (group.notes[i] ?? []).map(string);
    if (group.call[i] >= 0) {
      const result = group.result[i];
      let what = data.calls[group.call[i]];
      if (result !== undefined && (result[0] !== 0 || what === "query")) what += ` = ${result[0]}`;
      if (group.driver[i] >= 0) what += ` by ${string(group.driver[i])}`;
      if (group.device[i] >= 0) what += ` for ${string(group.device[i])}`;
      parts.push(what);
    } else {
      // A line without a call is what the findings say of it.
      if (mark === "loss") parts.push("evidence lost");
      parts.push(...notes.splice(0));
    }
    if (mark === "leak") parts.push("the reference taken before this is leaked");
    if (mark === "refusal") parts.push("refused");
    if (mark === "warning") parts.push("the kernel warns");
    if (group.call[i] >= 0) {
      const before = group.gap[i] ?? (i > 0 ? [group.low[i - 1], group.high[i - 1]] : group.initial);
      const after = countText(group.low[i], group.high[i]);
      const was = countText(...before);
      parts.push(was === after ? `count ${after}` : `count ${was} → ${after}`);
      if (group.comm[i] >= 0 || group.pid[i] >= 0) {
        parts.push(string(group.comm[i]) + (group.pid[i] >= 0 ? ` (pid ${group.pid[i]})` : "") +
          (group.cpu[i] >= 0 ? ` on CPU ${group.cpu[i]}` : ""));
      }
    }
    return {
      where: place(group, i, "line "), when: data.axis === "time" ? moment(clock(group.at[i])) : "", what: parts.join(", "),
      notes, text: group.text[i] ? string(group.text[i][0]) : "",
    };
  }

  function place(group, i, prefix) {
    const source = data.sources.length > 1 ? `${string(data.sources[group.source[i]])}:` : prefix;
    return `${source}${group.line[i]}`;
  }

  // The same columns as the rows that stand in the page.
  function row(groupIndex, i) {
    const group = groups[groupIndex];
    const call = group.call[i] >= 0;
    const before = group.gap[i] ?? (i > 0 ? [group.low[i - 1], group.high[i - 1]] : group.initial);
    const after = countText(group.low[i], group.high[i]);
    const was = countText(...before);
    let what = call ? data.calls[group.call[i]] : "";
    const result = group.result[i];
    if (call && result !== undefined && (result[0] !== 0 || what === "query")) what += ` = ${result[0]}`;
    if (data.marks[group.mark[i]] === "leak") what += " ← leak";
    if (group.notes[i]) what += (what ? ": " : "") + group.notes[i].map(string).join("; ");
    return [
      data.axis === "time" ? clock(group.at[i]) : "", what, string(group.device[i]), string(group.driver[i]),
      string(group.comm[i]) + (group.pid[i] >= 0 ? ` (${group.pid[i]})` : ""), was === after ? after : `${was} → ${after}`,
      `${group.held[i]}`, place(group, i, ""),
    ];
  }

  const markName = (group, i) => data.marks[group.mark[i]];
  return { axis: data.axis, ticks: data.ticks === true, span: data.span, events: data.events, groups, clock, moment, phase, describe, row, markName };
})();
