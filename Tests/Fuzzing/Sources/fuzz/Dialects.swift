@testable import DMALedger

/// Lines to events, in each dialect.
///
/// Input: a byte that chooses what stands before the text, so that the decoder is in that dialect already; then the text.
enum Dialects {
  private static let beginnings: [String] = [
    "",
    "# tracer: nop\n#\n#           TASK-PID     CPU#  |||||  TIMESTAMP  FUNCTION\n",
    "            bash-112     [000] .....    34.497897: use: (iommu_device_use_default_domain+0x0/0x8c)\n",
    "# tracer: function\n#\n# function latency trace v1.1.5 on 6.1.0\n",
    "    bash-112       0..... 12us : really_probe <-__driver_probe_device\n",
    "            bash     112   0 1 00000000 00000000 [0] 12ms (+1.0ms): query: (a+0x0/0x1)\n",
    "# tracer: function_graph\n#\n# CPU  DURATION                  FUNCTION CALLS\n# |     |   |                     |   |   |   |\n 0)   0.100 us    |  mutex_lock();\n 0)   0.100 us    |  mutex_lock();\n",
    "   29.257452 |   1)    bash-110    |   0.100 us    |    schedule();\n   29.257452 |   1)    bash-110    |   0.100 us    |    schedule();\n",
    "cpus=2\n",
    "            bash-112   [000]    34.497897: funcgraph_entry:        0.100 us   |        really_probe();\n",
    "bash   112 [000]    34.497897: probe:use: (ffffffff812a6a92)\n",
    "[    0.000000] Linux version 6.1.0 (a@b) #1 SMP\n[    1.000000] pci 0000:00:03.0: Adding to iommu group 3\n",
    "<6>[    1.000000] pci 0000:00:03.0: Adding to iommu group 3\n",
    "6,1,1000000,-;pci 0000:00:03.0: Adding to iommu group 3\n SUBSYSTEM=pci\n",
    "{\n   \"dmesg\": [\n      {\n",
    "{\"MESSAGE\":\"x\",\"_TRANSPORT\":\"kernel\"}\n",
    "2026-01-01T00:00:00.000000Z ",
    "qemu-system-x86_64: -device vfio-pci,host=03:00.0: vfio 0000:03:00.0: group 7 is not viable\n",
    "IOMMU Group 3:\n\t00:03.0 Ethernet controller\n",
    "/sys/kernel/iommu_groups/3/devices/0000:00:03.0\n",
    "[000000] 2026-01-01 00:00:00 bash: \u{1B}[31m",
    "# tracer: nop\n#\nreally_probe: (really_probe+0x0/0x1)\n",
  ]

  static func check(_ input: [UInt8]) {
    guard let selector = input.first else { return }
    let text = Array(beginnings[Int(selector) % beginnings.count].utf8) + input[1...]
    checkAccount(text)
    checkParsers(text)
  }

  /// Every line is accounted for, and an event is about a line that was read.
  private static func checkAccount(_ text: [UInt8]) {
    var reader = LineReader(ByteSource(bytes: text, name: "text"))
    // Frames are the business of another target.
    if reader.sourceIssue != nil { return }
    var decoder = TraceDecoder(fields: ProbeFields())
    var names = NameTable()
    var addresses = AddressBook()
    var event = TraceEvent()
    var unknown = 0
    var events = 0
    while reader.advance() {
      let isRejected = decoder.sieve.rejects(reader.line)
      let isRejectedRecord = decoder.recordSieve.rejects(reader.line)
      let outcome = decoder.decode(
        reader.line, number: reader.number, into: &event, names: &names, addresses: &addresses)
      if outcome == .unknown { unknown += 1 }
      if outcome == .event, reader.isTerminated, event.unnamedAddress == nil { events += 1 }
      if outcome == .event { check(event, upTo: reader.number, names) }
      require(
        !isRejectedRecord || outcome == .irrelevant,
        "line \(reader.number) is no record that bears on nothing, and the sieve would have passed over it")
      if isRejected {
        require(
          outcome != .event || event.kind == .closed || TornLine.isTorn(reader.line),
          "line \(reader.number) bears on something, and the sieve would have passed over it")
      }
    }
    while decoder.drains() {
      let outcome = decoder.decode(
        reader.line, number: reader.number, into: &event, names: &names, addresses: &addresses)
      if outcome == .event { check(event, upTo: reader.number, names) }
      if outcome == .event, reader.isTerminated, event.unnamedAddress == nil { events += 1 }
    }
    decoder.finish()
    require(
      decoder.shapes.total + decoder.foreign.count >= unknown, "a line that was not understood is not counted"
    )
    require(
      decoder.shapes.total + decoder.foreign.count + decoder.continued.count <= reader.number,
      "lines are counted twice")
    require(DecodedSource(bytes: text).events.count == events, "another reading finds other events")
  }

  private static func check(_ event: TraceEvent, upTo number: Int, _ names: NameTable) {
    require((1...max(1, number)).contains(event.line), "an event of line \(event.line) in line \(number)")
    require(event.cpu >= -1 && event.pid >= -1 && event.depth >= -1, "numbers that no line prints")
    require(event.number >= -1 || event.unnamedAddress != nil, "a count below nothing")
    for name in [event.comm, event.fields.device, event.fields.driver] {
      if let name { _ = names.text(name) }
    }
    require((event.kind == .told) == (event.fact != nil), "a fact without a line that tells it")
    if event.kind == .logged { require(event.message != nil, "a log line without a message") }
  }

  /// The readers one by one: whatever the decoder would never hand to them.
  private static func checkParsers(_ text: [UInt8]) {
    var names = NameTable()
    for line in text.split(separator: 0x0A).prefix(64) {
      let bytes = Array(line)
      let span = bytes.span
      for context in [
        RecordContext.fromDefault(span), RecordContext.fromLatency(span), RecordContext.fromVerbose(span),
        RecordContext.fromPerf(span),
      ] {
        guard let context else { continue }
        require((0...bytes.count).contains(context.body), "a body outside of its line")
        require(
          0 <= context.commStart && context.commStart <= context.commEnd && context.commEnd <= bytes.count,
          "a comm outside of its line")
      }
      for needsColumns in [true, false] {
        guard let graph = GraphLine.parse(span, needsColumns: needsColumns) else { continue }
        for range in [
          graph.symbol, graph.arguments, graph.comment, graph.commStart..<max(graph.commStart, graph.commEnd),
        ] {
          require(range.lowerBound >= 0 && range.upperBound <= bytes.count, "a symbol outside of its line")
        }
      }
      if let log = LogLine.parse(span) {
        require(
          log.start >= 0 && log.start <= bytes.count && log.end <= bytes.count,
          "a message outside of its line")
      }
      _ = KernelMessage.parse(span, names: &names)
    }
  }
}
