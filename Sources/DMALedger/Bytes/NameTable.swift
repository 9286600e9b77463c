/// A name of a device, driver, task or function, as a small number. Names are stored once.
package struct NameID: Hashable, Sendable {
  package var index: Int32

  package init(_ index: Int32) {
    self.index = index
  }
}

/// Every name that was seen: bytes to number and back.
///
/// Open addressing over a byte hash, confirmed by comparing the bytes: hostile names must not be able to pass for
/// one another. The number of names is bounded by `limit`; past it every new name is ``overflow``.
package struct NameTable: Sendable {
  package static let limit = 1 << 16
  /// Bytes of all names together.
  private static let mostBytes = 4 << 20
  /// What names become when there are too many.
  package static let overflow = NameID(0)

  private var bytes: [UInt8] = Array("<too many names>".utf8)
  private var ends: [Int] = [16]
  private var slots = [Int32](repeating: -1, count: 256)

  package init() {}

  package var hasOverflowed: Bool { ends.count >= NameTable.limit || bytes.count >= NameTable.mostBytes }

  /// The number of a name.
  package mutating func intern(_ name: Span<UInt8>) -> NameID {
    var slot = slotOf(name)
    if slots[slot] >= 0 { return NameID(slots[slot]) }
    if hasOverflowed { return NameTable.overflow }
    if ends.count * 2 >= slots.count {
      grow()
      slot = slotOf(name)
    }
    for index in 0..<name.count { bytes.append(name[index]) }
    ends.append(bytes.count)
    slots[slot] = Int32(ends.count - 1)
    return NameID(slots[slot])
  }

  /// Whether a name was seen.
  package func contains(_ name: String) -> Bool {
    let array = Array(name.utf8)
    return slots[slotOf(array.span)] >= 0
  }

  package mutating func intern(_ name: String) -> NameID {
    let array = Array(name.utf8)
    return intern(array.span)
  }

  /// The name behind a number, decoded leniently.
  package func text(_ name: NameID) -> String {
    String(decoding: bytes[range(name)], as: UTF8.self)
  }

  /// Hands the bytes of a name to `body`.
  package func withBytes<R>(_ name: NameID, _ body: (Span<UInt8>) -> R) -> R {
    body(bytes.span.extracting(range(name)))
  }

  private func range(_ name: NameID) -> Range<Int> {
    let index = Int(name.index)
    return (index == 0 ? 0 : ends[index - 1])..<ends[index]
  }

  private func slotOf(_ name: Span<UInt8>) -> Int {
    var slot = Int(truncatingIfNeeded: hash(name)) & (slots.count - 1)
    while slots[slot] >= 0, !bytes.span.extracting(range(NameID(slots[slot]))).equals(name) {
      slot = (slot + 1) & (slots.count - 1)
    }
    return slot
  }

  private mutating func grow() {
    slots = [Int32](repeating: -1, count: slots.count * 2)
    for index in ends.indices {
      let slot = slotOf(bytes.span.extracting(range(NameID(Int32(index)))))
      slots[slot] = Int32(index)
    }
  }

  private func hash(_ name: Span<UInt8>) -> UInt64 {
    var value: UInt64 = 0xCBF2_9CE4_8422_2325
    for index in 0..<name.count { value = (value ^ UInt64(name[index])) &* 0x100_0000_01B3 }
    return value ^ value >> 29
  }
}
