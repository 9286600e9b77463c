/// Files of one incident, and among them the parts of one trace that `per_cpu/cpuN/trace` prints. Those are read side
/// by side: calls on a group, and a task that moves, are spread over them.
extension Analyzer {
  /// Parts that are read side by side; each takes memory.
  private static let mostParts = 64

  /// Reads files in this order; gives what could not be opened.
  public mutating func read(_ paths: [PathName], onlyFiles: Bool = false) -> [InputError] {
    var unreadable: [InputError] = []
    repeated.isOff = paths.count == 1
    let heads = paths.count > 1 ? paths.map { TraceHead(of: $0, limits: limits) } : [nil]
    var taken: Set<Int> = []
    for index in paths.indices where !taken.contains(index) {
      let parts = Self.parts(with: index, of: heads)
      taken.formUnion(parts)
      do throws(InputError) {
        if parts.count == 1 {
          try read(paths[index], onlyFile: onlyFiles)
        } else {
          var files: [OpenFile] = []
          for part in parts { files.append(try OpenFile(path: paths[part], onlyFile: onlyFiles)) }
          read(partsOfOneTrace: files)
        }
      } catch {
        unreadable.append(error)
      }
    }
    return unreadable
  }

  /// The files that are parts of one trace together with one of them.
  private static func parts(with index: Int, of heads: [TraceHead?]) -> [Int] {
    guard let head = heads[index] else { return [index] }
    let alike = heads.indices.filter { heads[$0].map(head.hasHeader) ?? false }
    // A CPU that is there twice is in a copy, or in the whole trace beside its parts.
    let cpus = alike.compactMap { heads[$0]?.cpu }
    return Set(cpus).count == cpus.count && alike.count <= mostParts ? alike : [index]
  }

  /// Reads the parts of one trace, the events of all of them in the order of their times.
  private mutating func read(partsOfOneTrace files: [OpenFile]) {
    let first = sources.count
    let parts = files.enumerated().map { number, file in
      var source = ByteSource(file, limits: limits)
      if identifiesContent { source.contentHash = ContentHash() }
      return TracePart(
        file, LineReader(source), SourcePass(path: file.path, index: first + number, fields: fields))
    }
    var lines = MergedLines(lead: first)
    var isFull = false
    while true {
      for part in parts { fill(part) }
      guard let next = parts.filter({ !$0.pass.parked.isEmpty }).min(by: { $0.isBefore($1) }) else { break }
      // Up to the first that has a time: those without one belong to it.
      while !next.pass.parked.isEmpty {
        var (event, line) = next.pass.parked.removeFirst()
        isFull = isFull || next.number(&event, &lines) == nil
        if !isFull {
          begin(next, among: parts, event, line.span, first)
          next.take { accept(event, line.span, &$0, first, &$1) }
        }
        if event.time != nil { break }
      }
    }
    merged.append(lines)
    finish(parts, isWhole: !isFull)
  }

  /// Reads a part until it has an event with a time, or to its end.
  private mutating func fill(_ part: TracePart) {
    while !part.isAtEnd, part.pass.parked.last?.event.time == nil {
      if part.reader.advance(past: part.pass.sieve) {
        part.pass.passOver(part.reader.rejected)
        part.pass.number += 1 + part.reader.skipped
        digest(part.reader.line, isTerminated: part.reader.isTerminated, &part.pass)
      } else {
        part.isAtEnd = true
        close(part.reader, &part.pass)
        drain(&part.pass)
      }
    }
  }

  /// The first event of a CPU whose buffer was overwritten: what came before it is lost.
  private mutating func begin(
    _ part: TracePart, among parts: [TracePart], _ event: TraceEvent, _ line: Span<UInt8>, _ lead: Int
  ) {
    if part.hasBegun { return }
    part.hasBegun = true
    if parts.contains(where: { $0 !== part && $0.hasBegun }), part.pass.decoder.stated.overwritten > 0 {
      lose(.bufferStarted, event, line, lead, cpu: event.cpu)
    }
  }

  private mutating func finish(_ parts: [TracePart], isWhole: Bool) {
    guard let last = parts.max(by: { $0.pass.last.at < $1.pass.last.at })?.pass.last, let first = parts.first
    else {
      return
    }
    var present = 0
    for part in parts {
      part.pass.isParking = false
      part.pass.isPart = true
      if part.pass.sourceIssue == nil { part.pass.sourceIssue = part.file.changeSinceOpened() }
      part.pass.last = last
      finish(&part.pass)
      present = present.clampedSum(part.pass.decoder.stated.present)
    }
    let missing = first.pass.decoder.stated.entries - present
    if missing > 0 || !isWhole {
      assembler.loseAnywhere(
        in: first.pass.index, missing > 0 ? .partial : .givenUp, witness: last, count: max(0, missing))
    }
  }
}

/// One of the parts of a trace while all of them are read.
private final class TracePart {
  let file: OpenFile
  var reader: LineReader
  var pass: SourcePass
  var isAtEnd = false
  /// Its first event was taken.
  var hasBegun = false

  init(_ file: OpenFile, _ reader: consuming LineReader, _ pass: SourcePass) {
    self.file = file
    self.reader = reader
    self.pass = pass
    self.pass.isParking = true
  }

  /// Gives an event its number among the lines of all parts.
  func number(_ event: inout TraceEvent, _ lines: inout MergedLines) -> Int? {
    guard let number = lines.number(LineReference(source: pass.index, line: event.line)) else { return nil }
    event.line = number
    return number
  }

  /// Lends what is known of its source to `body`.
  func take(_ body: (inout SourceSummary, inout Witness) -> Void) {
    var summary = pass.summary
    var last = pass.last
    body(&summary, &last)
    pass.summary = summary
    pass.last = last
  }

  /// Whether its next event comes first: by time, then by CPU.
  func isBefore(_ other: TracePart) -> Bool {
    func key(_ part: TracePart) -> (Int64, Int32) {
      let parked = part.pass.parked
      return (parked.last?.event.time.map(\.value) ?? .max, parked.last?.event.cpu ?? -1)
    }
    return key(self) < key(other)
  }
}
