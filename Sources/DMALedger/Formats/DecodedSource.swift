/// One source decoded and not judged: its events in order. For whoever wants to see what a dialect says; the main path
/// keeps no events.
package struct DecodedSource {
  package private(set) var events: [TraceEvent] = []
  package private(set) var names = NameTable()
  package private(set) var format: String
  /// Lines that no reader understood, by shape.
  package private(set) var unparsed: [UnparsedShape]
  /// The text that shows each event.
  package private(set) var shownBy: [String] = []

  package init(bytes: [UInt8], name: String = "source") {
    var reader = LineReader(ByteSource(bytes: bytes, name: name))
    var decoder = TraceDecoder(fields: ProbeFields())
    var addresses = AddressBook()
    var event = TraceEvent()
    while reader.advance() || decoder.drains() {
      let outcome = decoder.decode(
        reader.line, number: reader.number, into: &event, names: &names, addresses: &addresses)
      guard outcome == .event, reader.isTerminated, event.unnamedAddress == nil else { continue }
      events.append(event)
      shownBy.append(decoder.isJoined ? decoder.joinedText.span.text() : reader.line.text())
    }
    decoder.finish()
    format = decoder.format
    unparsed = decoder.shapes.summary
  }
}
