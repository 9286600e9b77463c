/// function_graph, as the kernel prints it and as `trace-cmd report` does.
extension TraceDecoder {
  mutating func graph(
    _ line: Span<UInt8>, _ event: inout TraceEvent, _ names: inout NameTable, _ addresses: inout AddressBook
  ) -> Outcome? {
    guard let graph = GraphLine.parse(line, needsColumns: true) else { return nil }
    graphColumns.learn(graph, line)
    if format == "unknown" { format = "ftrace function_graph" }
    event.cpu = graph.cpu
    event.pid = graph.pid
    event.time = graph.time
    let outcome = graphEvent(graph, line, &event, &names, &addresses)
    if outcome == .event, graph.commEnd > graph.commStart {
      event.comm = names.intern(line.extracting(graph.commStart..<graph.commEnd))
    }
    return outcome
  }

  mutating func graphEvent(
    _ graph: GraphLine, _ line: Span<UInt8>, _ event: inout TraceEvent, _ names: inout NameTable,
    _ addresses: inout AddressBook
  ) -> Outcome {
    event.observer = .graph
    event.depth = graph.depth
    event.fields.result = graph.result
    switch graph.shape {
    case .other: return .irrelevant
    case .taskSwitch:
      event.kind = .switched
      event.number = Int(graph.previousPid)
      return .event
    case .close:
      guard !graph.symbol.isEmpty else {
        event.kind = .closed
        return .event
      }
      guard let function = KernelFunction.named(line.extracting(graph.symbol)) else { return .irrelevant }
      event.kind = .exit
      event.function = function
      return .event
    case .comment:
      event.depth = -1
      canContinue = true
      let comment = line.extracting(0..<graph.comment.upperBound)
      let outcome = body.read(
        comment, from: graph.comment.lowerBound, into: &event, names: &names, addresses: &addresses,
        neighbour: nil)
      // Records of the function tracer are never printed as comments: a lone symbol is text.
      if case .event = outcome, event.observer == .probe { return .event }
      return .irrelevant
    case .open, .leaf:
      guard let function = KernelFunction.named(line.extracting(graph.symbol)) else { return .irrelevant }
      event.kind = graph.shape == .open ? .entry : .leaf
      event.function = function
      if !graph.arguments.isEmpty {
        let read = body.fields.readArguments(line, graph.arguments, names: &names)
        event.fields.merge(read)
      }
      return .event
    }
  }

  /// `funcgraph_entry:      + 13.213 us  |        really_probe();`, `-N`: `--> really_probe (2)`,
  /// `-R`: `func=really_probe depth=2 …`.
  mutating func traceCmdGraph(
    _ line: Span<UInt8>, from start: Int, isExit: Bool, _ context: RecordContext, _ event: inout TraceEvent,
    _ names: inout NameTable, _ addresses: inout AddressBook
  ) -> Outcome {
    if format == "unknown" || format == "trace-cmd report" { format = "trace-cmd report (function_graph)" }
    isTraceCmd = true
    var cursor = ByteCursor(line, at: start)
    cursor.skipBlanks()
    event.observer = .graph
    var symbol: Range<Int>?
    if cursor.take("--> ") || cursor.take("<-- ") || cursor.take("func=") {
      let first = cursor.index
      while !cursor.isAtEnd, cursor.peek().isSymbol { cursor.index += 1 }
      symbol = first..<cursor.index
      if cursor.take(" (") || cursor.take(" depth="), let depth = cursor.takeDecimal() {
        event.depth = Int32(clamping: min(depth, GraphLine.deepest))
      }
    }
    if let symbol {
      guard let function = KernelFunction.named(line.extracting(symbol)) else { return .irrelevant }
      event.kind = isExit ? .exit : .entry
      event.function = function
    } else {
      guard let bar = line.firstIndex(of: 0x7C, from: start) else { return .irrelevant }
      var graph = GraphLine()
      var content = ByteCursor(line, at: bar + 3)
      guard graph.readBody(&content) else { return .irrelevant }
      let outcome = graphEvent(graph, line, &event, &names, &addresses)
      if outcome != .event { return outcome }
    }
    event.comm = names.intern(line.extracting(context.commStart..<context.commEnd))
    return .event
  }
}
