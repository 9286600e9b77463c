extension String {
  /// The text with some of its ASCII characters written differently; `nil` leaves one as it is.
  ///
  /// Bytes and not characters: a combining mark behind a `#` makes another character of it for Swift, while those who
  /// read the output see the `#`.
  func escaped(_ spelling: (Unicode.Scalar) -> String?) -> String {
    let span = utf8.span
    var result: [UInt8] = []
    result.reserveCapacity(span.count + 16)
    for index in span.indices {
      let byte = span[index]
      if byte < 0x80, let other = spelling(Unicode.Scalar(byte)) {
        result += other.utf8
      } else {
        result.append(byte)
      }
    }
    return String(decoding: result, as: UTF8.self)
  }

  /// Whether the bytes of another text stand in this one.
  func holdsBytes(of other: String) -> Bool {
    let text = utf8.span
    let wanted = other.utf8.span
    guard !wanted.isEmpty else { return true }
    guard text.count >= wanted.count else { return false }
    for start in 0...(text.count - wanted.count) where text[start] == wanted[0] {
      var length = 1
      while length < wanted.count, text[start + length] == wanted[length] { length += 1 }
      if length == wanted.count { return true }
    }
    return false
  }
}
