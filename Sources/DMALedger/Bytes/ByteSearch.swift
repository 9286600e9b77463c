import CByteScan

/// Searches in the bytes of one line.
extension Span<UInt8> {
  /// The first place at or behind `start` where `byte` stands.
  func firstIndex(of byte: UInt8, from start: Int = 0) -> Int? {
    guard start < count else { return nil }
    // Safe: The search stays between `start` and the span's own count.
    let found = unsafe withUnsafeBufferPointer { pointer -> Int in
      guard let base = pointer.baseAddress else { return pointer.count }
      return unsafe bytescan_find(base, start, pointer.count, byte)
    }
    return found < count ? found : nil
  }

  /// Whether `text` stands at `index`.
  @inline(__always)
  func hasText(_ text: StaticString, at index: Int) -> Bool {
    let length = text.utf8CodeUnitCount
    guard index >= 0, count - index >= length else { return false }
    // Safe: Both texts have `length` bytes from where they are compared, by the guard and by the literal's own count.
    return unsafe withUnsafeBufferPointer { pointer -> Bool in
      guard let base = pointer.baseAddress else { return length == 0 }
      return unsafe bytescan_equal(base + index, text.utf8Start, length) != 0
    }
  }

  /// The first place at or behind `start` where `text` stands.
  func firstIndex(of text: StaticString, from start: Int = 0) -> Int? {
    let length = text.utf8CodeUnitCount
    guard length > 0, start >= 0, count - start >= length else { return nil }
    // Safe: The literal has at least one byte, by the guard.
    let first = unsafe text.utf8Start.pointee
    var place = start
    while let candidate = firstIndex(of: first, from: place) {
      if count - candidate < length { return nil }
      if hasText(text, at: candidate) { return candidate }
      place = candidate + 1
    }
    return nil
  }

  func contains(_ text: StaticString) -> Bool {
    firstIndex(of: text) != nil
  }

  func hasSuffix(_ text: StaticString) -> Bool {
    hasText(text, at: count - text.utf8CodeUnitCount)
  }

  /// Whether two spans hold the same bytes.
  func equals(_ other: Span<UInt8>) -> Bool {
    guard count == other.count else { return false }
    for index in 0..<count where self[index] != other[index] { return false }
    return true
  }

  /// The bytes as text; bytes that are no UTF-8 become U+FFFD. For reports only: it allocates.
  package func text(limit: Int = 400) -> String {
    let kept = extracting(0..<Swift.min(count, limit))
    // Safe: The bytes are copied into the text while they are borrowed.
    let text = unsafe kept.withUnsafeBufferPointer { unsafe String(decoding: $0, as: UTF8.self) }
    return count > limit ? text + "…" : text
  }
}

extension [UInt8] {
  /// The bytes of a span that does not live as long as they have to.
  package init(copying span: Span<UInt8>) {
    self = []
    reserveCapacity(span.count)
    append(copying: span)
  }

  mutating func append(copying span: Span<UInt8>) {
    for index in span.indices { append(span[index]) }
  }
}
