/// The text of lines that may become evidence, in one block: no allocation per line.
///
/// Most lines never become evidence. When the block is full, whoever holds texts marks those that are still wanted, and the
/// others are forgotten.
package struct TextArena: Sendable {
  /// A stored text.
  package struct Reference: Sendable {
    fileprivate var slot: Int32

    package static let none = Reference(slot: -1)
  }

  /// Texts that are still wanted.
  package struct Marks: ~Copyable {
    fileprivate var isLive: [Bool]

    mutating func mark(_ witness: Witness?) {
      if let slot = witness?.text.slot, slot >= 0 { isLive[Int(slot)] = true }
    }
  }

  /// What of a long line is kept.
  package static let longest = 400
  private var bytes: [UInt8] = []
  /// Where what is wanted is put together next: the same two blocks serve to the end.
  private var spare: [UInt8] = []
  /// Where the texts stand; a text that was forgotten has no length.
  private var slots: [(start: UInt32, count: UInt16)] = []
  private var free: [Int32] = []
  /// The least that is kept before anything is forgotten, in bytes, and what is kept now.
  private let least: Int
  private var most: Int

  package init(least: Int = 1 << 20) {
    self.least = least
    most = least
  }

  package mutating func store(_ line: Span<UInt8>) -> Reference {
    let kept = Swift.min(line.count, TextArena.longest)
    guard kept > 0, bytes.count < UInt32.max / 2 else { return .none }
    let text = (start: UInt32(bytes.count), count: UInt16(kept))
    if bytes.count + kept > bytes.capacity, bytes.capacity <= most {
      // It never grows much beyond what makes it full.
      bytes.reserveCapacity(min(max(4096, 2 * bytes.capacity), most + 8 * Self.longest))
    }
    // Safe: the bytes are copied before the span ends.
    unsafe line.withUnsafeBufferPointer { line in unsafe bytes.append(contentsOf: line.prefix(kept)) }
    if let slot = free.popLast() {
      slots[Int(slot)] = text
      return Reference(slot: slot)
    }
    slots.append(text)
    return Reference(slot: Int32(slots.count - 1))
  }

  /// Whether texts that nobody wants any more should be forgotten.
  package var isFull: Bool { bytes.count > most }

  /// Nothing marked yet.
  package var marks: Marks { Marks(isLive: [Bool](repeating: false, count: slots.count)) }

  /// Forgets every text that is not marked.
  package mutating func forget(allBut marks: consuming Marks) {
    var kept: [UInt8] = []
    swap(&kept, &spare)
    var wanted = 0
    for slot in slots.indices where marks.isLive[slot] { wanted += Int(slots[slot].count) }
    most = max(least, wanted + wanted / 2)
    kept.reserveCapacity(most + 8 * Self.longest)
    free.removeAll(keepingCapacity: true)
    for slot in slots.indices {
      guard marks.isLive[slot] else {
        slots[slot].count = 0
        free.append(Int32(slot))
        continue
      }
      let start = kept.count
      kept.append(contentsOf: bytes[range(slots[slot])])
      slots[slot].start = UInt32(start)
    }
    swap(&bytes, &kept)
    kept.removeAll(keepingCapacity: true)
    swap(&spare, &kept)
  }

  /// Nothing will be forgotten any more.
  mutating func close() { spare = [] }

  private func range(_ text: (start: UInt32, count: UInt16)) -> Range<Int> {
    Int(text.start)..<Int(text.start) + Int(text.count)
  }

  /// The text, decoded leniently, without the blanks that pad the columns in front.
  package func text(_ reference: Reference) -> String {
    guard reference.slot >= 0 else { return "" }
    var slice = bytes[range(slots[Int(reference.slot)])]
    while slice.first == 0x20 { slice = slice.dropFirst() }
    return String(decoding: slice, as: UTF8.self)
  }
}
