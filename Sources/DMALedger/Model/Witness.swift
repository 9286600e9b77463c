/// A line that may be needed as evidence: where it stands, when it happened, and its text.
package struct Witness: Sendable {
  package var at: LineReference
  package var time: Nanoseconds?
  package var text: TextArena.Reference

  package init(at: LineReference, time: Nanoseconds?, text: TextArena.Reference) {
    self.at = at
    self.time = time
    self.text = text
  }
}

/// The text of lines that may become evidence, in one growing block: no allocation per line.
package struct TextArena: Sendable {
  /// A stored text.
  package struct Reference: Sendable {
    var start: Int
    var count: Int

    package static let none = Reference(start: 0, count: 0)
  }

  /// What of a long line is kept.
  package static let longest = 400
  private var bytes: [UInt8] = []

  package init() {}

  package mutating func store(_ line: Span<UInt8>) -> Reference {
    let start = bytes.count
    let kept = Swift.min(line.count, TextArena.longest)
    for index in 0..<kept { bytes.append(line[index]) }
    return Reference(start: start, count: kept)
  }

  /// The text, decoded leniently, without the blanks that pad the columns in front.
  package func text(_ reference: Reference) -> String {
    var slice = bytes[reference.start..<reference.start + reference.count]
    while slice.first == 0x20 { slice = slice.dropFirst() }
    return String(decoding: slice, as: UTF8.self)
  }
}
