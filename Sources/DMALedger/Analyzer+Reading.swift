/// How the lines of a source are come by: in order on one thread, decompressed ahead by another, or sifted in parts by
/// several. What is said of them is the same.
extension Analyzer {
  /// Files smaller than this are not worth a thread.
  private static let smallest = 4 << 20

  mutating func read(_ file: OpenFile, _ pass: inout SourcePass) {
    var source = ByteSource(file, limits: limits)
    if identifiesContent { source.contentHash = ContentHash() }
    let compression = source.recognise()
    // What is not text is not looked at.
    if source.issue != nil { return readInOrder(LineReader(source), &pass) }
    if identifiesContent {
      // A hash wants the bytes in order, and on one thread.
      readInOrder(LineReader(ByteFeed(source, ahead: jobs > 1 && file.size ?? .max >= Self.smallest)), &pass)
      return
    }
    guard jobs > 1, file.size ?? Int.max >= (compression == .zstd ? 64 << 10 : Self.smallest) else {
      if compression == .none, isMapped(file), let lines = LineReader(mapping: file) {
        readInOrder(lines, &pass)
      } else {
        readInOrder(LineReader(source), &pass)
      }
      return
    }
    // Where it stops a file that is not read to its end is known in order only.
    if let size = file.size, limits.mostBytes == nil {
      let first = PartSifter.end(of: 0, in: file, size: size, compression, jobs: jobs)
      if first < size {
        readParts(file, size, compression, first: first, &pass)
        return
      }
    }
    readInOrder(LineReader(ByteFeed(source, ahead: compression == .zstd)), &pass)
  }

  /// Whether the file may be mapped, and is large enough to pay for it.
  private func isMapped(_ file: OpenFile) -> Bool {
    mapsFiles && limits.mostBytes == nil && file.size ?? 0 >= Self.smallest
  }

  /// Reads to the end of `lines`.
  mutating func readInOrder(_ lines: consuming LineReader, _ pass: inout SourcePass) {
    var reader = lines
    // Two loops, each made for its sieve.
    while pass.recordSieve.isOpen
      ? reader.advance(past: pass.sieve) : reader.advance(past: pass.recordSieve)
    {
      pass.passOver(reader.rejected)
      pass.number += 1 + reader.skipped
      digest(reader.line, isTerminated: reader.isTerminated, &pass)
    }
    close(reader, &pass)
  }

  /// Takes over what is known of the lines once all of them have been read.
  func close(_ reader: borrowing LineReader, _ pass: inout SourcePass) {
    pass.passOver(reader.rejected)
    pass.number += reader.skipped
    pass.bytes = reader.bytes
    pass.isTerminated = reader.isTerminated
    pass.note(reader.issues, longLines: reader.longLines)
    pass.sourceIssue = reader.sourceIssue
    pass.contentHash = reader.source.contentHash?.value
    pass.summary.compression = reader.source.compression.rawValue
    pass.carry = reader.carry
  }

  // MARK: - Parts

  /// The first part tells what kind of lines there are; the others are sifted by threads while the calls in those
  /// before them are replayed here.
  private mutating func readParts(
    _ file: OpenFile, _ size: Int, _ compression: Compression, first: Int, _ pass: inout SourcePass
  ) {
    let mapping =
      compression == .none && isMapped(file) ? file.map(piece: PartSifter.plainPart(jobs: jobs)) : nil
    func lines(_ range: Range<Int>, skipping: Int = 0, ahead: Bool = false, _ pass: SourcePass) -> LineReader
    {
      let source = ByteSource(
        file, range: range, compression: compression, skipping: skipping, limits: limits)
      if let mapping {
        return LineReader(
          mapping, range.lowerBound + skipping..<range.upperBound, then: ByteFeed(source, ahead: false),
          continuing: pass.carry, behind: pass.number, bytes: pass.bytes, isLast: range.upperBound == size)
      }
      return LineReader(
        ByteFeed(source, ahead: ahead), continuing: pass.carry, behind: pass.number, bytes: pass.bytes,
        isLast: range.upperBound == size)
    }
    func sifter(_ columns: GraphSieve.Columns) -> PartSifter {
      PartSifter(
        file, size: size, compression: compression, mapping: mapping, from: first, jobs: jobs, limits: limits
      ) {
        GraphSifter(columns)
      }
    }
    // The first part is read in order, which takes as long as any other: meanwhile the next are sifted, if the first lines
    // let guess what kind of lines there will be.
    let guess = firstColumns(lines(0..<first, pass))
    var parts = guess.flatMap { $0.hasTask ? nil : sifter($0) }
    defer { parts?.stop() }
    readInOrder(lines(0..<first, pass), &pass)
    if pass.sourceIssue != nil { return finishLine(&pass) }
    guard let columns = pass.sieve.columns, !columns.hasTask else {
      parts?.stop()
      parts = nil
      readInOrder(lines(first..<size, ahead: compression == .zstd, pass), &pass)
      return
    }
    if parts == nil || guess != columns {
      parts?.stop()
      parts = sifter(columns)
    }
    while pass.sourceIssue == nil, let part = parts?.next() {
      var read = 0
      if part.isWhole, pass.sieve.columns == columns, !pass.carry.isSkipping {
        let begin = pass.bytes
        if replay(part, columns, &pass) { continue }
        read = pass.bytes - begin
      }
      // Lines of another form, or none that a thread could sift.
      readInOrder(lines(part.range, skipping: read, pass), &pass)
    }
    finishLine(&pass)
  }

  /// The columns that the first lines of a source have; `nil` where they do not show any.
  private func firstColumns(_ lines: consuming LineReader) -> GraphSieve.Columns? {
    var reader = lines
    var decoder = TraceDecoder(fields: fields)
    var names = NameTable()
    var addresses = AddressBook()
    var event = TraceEvent()
    for number in 1...Self.linesToGuessBy {
      guard reader.advance() else { return nil }
      _ = decoder.decode(
        reader.line, number: number, into: &event, names: &names, addresses: &addresses)
      if let columns = decoder.sieve.columns { return columns }
    }
    return nil
  }

  private static var linesToGuessBy: Int { 64 }

  /// Takes the lines of a part as if they had been read in order. False where a line changed what may be passed over;
  /// then `pass` stands behind that line.
  private mutating func replay(_ part: SiftedPart, _ columns: GraphSieve.Columns, _ pass: inout SourcePass)
    -> Bool
  {
    let begin = pass.bytes
    guard let head = part.head else {
      pass.carry.bytes += part.tail
      pass.bytes += part.bytes
      return true
    }
    let joined = pass.carry.bytes + head
    let length = pass.carry.bytes.count + part.headCount
    pass.carry = LineReader.Carry()
    pass.bytes = begin + part.headCount + 1
    offer(joined, 0..<length, &pass)
    guard pass.sieve.columns == columns else { return false }
    for line in part.lines {
      pass.passOver(line.rejected)
      offer(part.text, line.range, &pass)
      pass.bytes = begin + line.next
      guard pass.sieve.columns == columns else { return false }
    }
    pass.passOver(part.rejected)
    pass.carry.bytes = part.tail
    pass.bytes = begin + part.bytes
    return true
  }

  /// A line that a part kept: here it is known better whether it matters.
  private mutating func offer(_ text: [UInt8], _ range: Range<Int>, _ pass: inout SourcePass) {
    // Safe: The range is one of the part's own lines, and 128 bytes follow each of them.
    let isRejected = unsafe text.withUnsafeBufferPointer { bytes in
      guard let base = bytes.baseAddress else { return false }
      return unsafe pass.sieve.rejects(base + range.lowerBound, length: range.count)
    }
    if isRejected {
      pass.passOver(1)
      return
    }
    pass.number += 1
    var end = range.upperBound
    while end > range.lowerBound, text[end - 1] == 0x0D { end -= 1 }
    digest(text.span.extracting(range.lowerBound..<end), isTerminated: true, &pass)
  }

  /// A last line without newline.
  private mutating func finishLine(_ pass: inout SourcePass) {
    guard pass.isTerminated, !pass.carry.bytes.isEmpty, !pass.carry.isSkipping else { return }
    pass.number += 1
    pass.isTerminated = false
    var line = pass.carry.bytes
    while line.last == 0x0D { line.removeLast() }
    digest(line.span, isTerminated: false, &pass)
  }
}
