/// What a tracer made of a life: which of its lines, in which dialect.
package struct KernelCapture: Sendable, CustomStringConvertible {
  /// Who watched.
  package enum Observer: Sendable {
    /// Probes at entries, and what their returns bring: nothing, codes, or whatever the rendering reads behind a call.
    case probes(Rendering, returns: Returns)
    /// The function tracer; from 6.15 on with arguments.
    case function(Rendering, hasArguments: Bool)
    case graph(GraphRendering)
  }

  package enum Returns: Sendable {
    case none, codes, all
  }

  /// What is missing of it.
  package enum Damage: Sendable, Equatable {
    case none
    /// The first part of each CPU was overwritten, as the header and the marks in the text say.
    case overwritten([Int])
    /// The first part of each CPU is gone, and nothing says so.
    case silent([Int])
    /// Every line before this one is gone, and nothing says so.
    case begunAt(Int)
    /// Every line from here on is gone.
    case endedAt(Int)
    /// So many lines of a CPU behind the given one, with a marker.
    case lost(cpu: Int, after: Int, count: Int)

    package var losesBeginning: Bool {
      switch self {
      case .overwritten, .begunAt, .silent: true
      case .none, .endedAt, .lost: false
      }
    }
  }

  package var observer: Observer
  /// Fields that the probes do not print.
  package var hiddenFields: Set<String> = []
  /// Functions that are not watched, by label.
  package var hiddenFunctions: Set<String> = []
  /// Functions whose probes print nothing but a code, by label, and those of which only the return is watched.
  package var blindFunctions: Set<String> = []
  package var hiddenEntries: Set<String> = []
  /// A listing of groups and drivers at the end stands beside it.
  package var hasListing = false
  package var hasMembership = true
  package var damage = Damage.none
  /// The blocks that announce that another task runs on a CPU are in the text.
  package var hasSwitches = true
  /// Lines of two CPUs that are at most so many microseconds apart stand in the wrong order.
  package var skew = 0
  /// The text is in a file for each CPU, with times of so many microseconds.
  package var clockStep: Int?
  /// The text is in two files: where the first ends and how many lines before that the second begins.
  package var split: (at: Int, overlap: Int)?

  package var isSilent: Bool { if case .silent = damage { true } else { false } }

  package init(_ observer: Observer) { self.observer = observer }

  package var description: String {
    "\(observer) skew \(skew) split \(split.map { "\($0)" } ?? "no") step \(clockStep ?? 0) switches \(hasSwitches) without \(hiddenFields.sorted()) \(hiddenFunctions.sorted()) blind \(blindFunctions.sorted()) only returns \(hiddenEntries.sorted()) listing \(hasListing) membership \(hasMembership), \(damage)"
  }

  /// The text, and for each of its lines the record it shows.
  package struct Text: Sendable {
    package var lines: [String] = []
    /// The lines of each file, where it is in several from the start.
    package var files: [Range<Int>] = []
    package var records: [Int?] = []
    /// Records that are in it.
    package var kept: Set<Int> = []
    /// Something was lost, whether the text says so or not.
    package var isIncomplete = false

    package var bytes: [UInt8] { bytes(of: lines.indices) }

    package func bytes(of part: Range<Int>) -> [UInt8] { lines[part].flatMap { Array($0.utf8) + [0x0A] } }

    /// The lines of each file.
    package func parts(_ split: (at: Int, overlap: Int)?) -> [Range<Int>] {
      if !files.isEmpty { return files }
      guard let split, split.at < lines.count else { return [0..<lines.count] }
      return [0..<split.at, max(0, split.at - split.overlap)..<lines.count]
    }

    mutating func add(_ line: String, _ record: Int? = nil) {
      lines.append(line)
      records.append(record)
    }
  }

  package func text(of kernel: SimulatedKernel) -> Text {
    let shown = kernel.records.indices.filter { isShown(kernel.records[$0].step) }
    var text = Text()
    var marks: [Int: String] = [:]
    let kept = reorder(keep(shown, kernel, &text, &marks), kernel)
    if let clockStep {
      writeParts(kept, of: shown.count, kernel, clockStep, &text)
      return text
    }
    switch observer {
    case .graph(let rendering): writeGraph(kept, kernel, rendering, marks, &text)
    case .probes(let rendering, _), .function(let rendering, _):
      writeLines(kept, kernel, rendering, marks, &text)
    }
    return text
  }

  private static func label(of step: OwnershipHistory.Step) -> String {
    step.event.hasSuffix("_ret") ? String(step.event.dropLast(4)) : step.event
  }

  /// The groups and drivers at the end of a life.
  package func listing(of kernel: SimulatedKernel) -> String {
    kernel.devices.compactMap { device in
      device.group.map {
        "\(device.name) group=\(kernel.groups[$0].id) driver=\(device.driver?.name ?? "")\n"
      }
    }.joined()
  }

  private func isShown(_ step: OwnershipHistory.Step) -> Bool {
    if case .event = step.kind { return hasMembership }
    let label = Self.label(of: step)
    if hiddenFunctions.contains(label) { return false }
    if case .entry = step.kind, hiddenEntries.contains(label) { return false }
    switch (observer, step.kind) {
    case (.graph, _), (.function, .entry): return true
    case (.function, _): return false
    case (.probes(_, .none), .exit): return false
    case (.probes(_, .codes), .exit): return !step.arguments.isEmpty
    case (.probes, _): return true
    }
  }

  /// Neighbours of different CPUs and tasks change places, as their clocks are apart.
  private func reorder(_ kept: [Int], _ kernel: SimulatedKernel) -> [Int] {
    guard skew > 0 else { return kept }
    var order = kept
    var place = 0
    while place + 1 < order.count {
      let steps = (kernel.records[order[place]].step, kernel.records[order[place + 1]].step)
      if steps.0.cpu != steps.1.cpu, steps.0.task.pid != steps.1.task.pid, steps.1.time - steps.0.time <= skew
      {
        order.swapAt(place, place + 1)
        place += 1
      }
      place += 1
    }
    return order
  }

  // MARK: - What is missing

  private func keep(
    _ shown: [Int], _ kernel: SimulatedKernel, _ text: inout Text, _ marks: inout [Int: String]
  ) -> [Int] {
    switch damage {
    case .none: return shown
    case .begunAt(let first):
      text.isIncomplete = first > 0
      return Array(shown.dropFirst(first))
    case .endedAt(let end):
      text.isIncomplete = end < shown.count
      return Array(shown.prefix(end))
    case .overwritten(let counts), .silent(let counts):
      // The newest event of a CPU is never overwritten.
      var left = counts.enumerated().map { cpu, count in
        min(count, max(0, shown.count { kernel.records[$0].step.cpu == cpu } - 1))
      }
      let kept = shown.filter { index in
        let cpu = kernel.records[index].step.cpu
        guard left[cpu] > 0 else { return true }
        left[cpu] -= 1
        return false
      }
      guard kept.count < shown.count else { return shown }
      text.isIncomplete = true
      // The files of one CPU each have no marks.
      if case .silent = damage { return kept }
      if clockStep != nil { return kept }
      text.add("# tracer: nop")
      text.add("#")
      text.add("# entries-in-buffer/entries-written: \(kept.count)/\(shown.count)   #P:2")
      var started: Set<Int> = []
      for (place, index) in kept.enumerated() {
        let cpu = kernel.records[index].step.cpu
        guard started.insert(cpu).inserted, place > 0 else { continue }
        marks[index] = "##### CPU \(cpu) buffer started ####"
      }
      return kept
    case .lost(let cpu, let after, let count):
      let own = shown.indices.filter { kernel.records[shown[$0]].step.cpu == cpu }
      let gone = own.dropFirst(after).prefix(count)
      // Without a later line of that CPU nobody would say so.
      guard let next = own.dropFirst(after + gone.count).first, !gone.isEmpty else { return shown }
      text.isIncomplete = true
      let marker =
        isToolText ? "CPU:\(cpu) [\(gone.count) EVENTS DROPPED]" : "CPU:\(cpu) [LOST \(gone.count) EVENTS]"
      marks[shown[next]] = marker
      return shown.indices.filter { !gone.contains($0) }.map { shown[$0] }
    }
  }

  private var isToolText: Bool {
    switch observer {
    case .probes(let rendering, _), .function(let rendering, _): rendering.rawValue.hasPrefix("trace-cmd")
    case .graph(let rendering): rendering.isTraceCmd
    }
  }

  // MARK: - Lines

  func writeLines(
    _ kept: [Int], _ kernel: SimulatedKernel, _ rendering: Rendering, _ marks: [Int: String],
    clockStep: Int = 1, _ text: inout Text
  ) {
    if text.lines.isEmpty { for line in Renderer(rendering: rendering).header() { text.add(line) } }
    for (number, index) in kept.enumerated() {
      if let mark = marks[index] { text.add(mark) }
      var step = kernel.records[index].step
      step.time -= step.time % clockStep
      step.arguments.removeAll { hiddenFields.contains($0.name) }
      step.stateAfter.removeAll { hiddenFields.contains($0.name) }
      if blindFunctions.contains(Self.label(of: step)) {
        step.arguments.removeAll { $0.name != "ret" }
        step.stateAfter = []
      }
      let renderer = Renderer(rendering: rendering, number: number + 1)
      if case .function(_, let hasArguments) = observer, case .entry = step.kind {
        text.add(
          renderer.functionLine(
            step, arguments: hasArguments ? pointers(kernel.records[index].step, kernel) : nil), index)
      } else if rendering == .withFunctionArguments {
        if case .entry = step.kind {
          text.add(
            renderer.functionLine(step, arguments: pointers(kernel.records[index].step, kernel)), index)
        }
        text.add(renderer.probeLine(step), index)
      } else {
        for line in renderer.lines(step) { text.add(line, index) }
      }
      text.kept.insert(index)
    }
  }

  /// What the function tracer prints of arguments: pointers.
  private func pointers(_ step: OwnershipHistory.Step, _ kernel: SimulatedKernel) -> String {
    var parts: [String] = []
    for argument in step.arguments {
      switch (argument.name, argument.value) {
      case ("dev", .text(let name)):
        let pointer = kernel.devices.first { $0.name == name }?.pointer ?? 0
        parts.append("dev=0x" + String(pointer, radix: 16))
      case ("grp", .hex(let pointer)) where !step.arguments.contains { $0.name == "dev" }:
        parts.append("group=0x" + String(pointer, radix: 16))
      case ("new", .hex(let owner)): parts.append("owner=0x" + String(owner, radix: 16))
      default: break
      }
    }
    return parts.joined(separator: ", ")
  }

  private func writeGraph(
    _ kept: [Int], _ kernel: SimulatedKernel, _ rendering: GraphRendering, _ marks: [Int: String],
    _ text: inout Text
  ) {
    var renderer = GraphRenderer(rendering: rendering)
    renderer.announcesTasks = hasSwitches
    if text.lines.isEmpty { renderer.header() }
    var consumed: Set<Int> = []
    func flush(_ index: Int?) {
      while text.lines.count < renderer.lines.count + base {
        text.add(renderer.lines[text.lines.count - base], index)
      }
    }
    let base = text.lines.count
    flush(nil)
    for (place, index) in kept.enumerated() where !consumed.contains(index) {
      let record = kernel.records[index]
      let arguments = pointers(record.step, kernel)
      if let mark = marks[index] { renderer.bare(mark) }
      renderer.turn(to: record.step)
      text.kept.insert(index)
      switch record.step.kind {
      case .event(let body): renderer.comment(record.step.event + ": " + body)
      case .entry:
        // A leaf is what comes next on its CPU.
        let next = kept[(place + 1)...].first { kernel.records[$0].step.cpu == record.step.cpu }
        if let next, isReturn(kernel.records[next], of: record), marks[next] == nil {
          consumed.insert(next)
          text.kept.insert(next)
          renderer.leaf(record.step.symbol, record.depth, arguments, code(kernel.records[next].step))
        } else {
          renderer.open(record.step.symbol, record.depth, arguments)
        }
      case .exit: renderer.close(record.step.symbol, record.depth, code(record.step))
      }
      flush(index)
    }
  }

  private func isReturn(_ record: SimulatedKernel.Record, of entry: SimulatedKernel.Record) -> Bool {
    if case .exit = record.step.kind {
      return record.step.symbol == entry.step.symbol && record.step.task.pid == entry.step.task.pid
        && record.depth == entry.depth
    }
    return false
  }

  private func code(_ step: OwnershipHistory.Step) -> Int? {
    switch step.arguments.first?.value {
    case .decimal(let code), .byte(let code): code
    default: nil
    }
  }
}
