import CContentHash

/// XXH3 with 128 bits over a stream of bytes, as `xxhsum -H2` prints it: a name for content, no protection against
/// people who want two contents to have one name.
package struct ContentHash: Sendable {
  /// A finished hash, ordered as its digits are.
  package struct Value: Hashable, Comparable, Sendable {
    package var high: UInt64
    package var low: UInt64

    package static func < (left: Value, right: Value) -> Bool {
      (left.high, left.low) < (right.high, right.low)
    }

    /// 32 hexadecimal digits.
    package var text: String { Self.digits(high) + Self.digits(low) }

    private static func digits(_ half: UInt64) -> String {
      let digits = String(half, radix: 16)
      return String(repeating: "0", count: 16 - digits.count) + digits
    }
  }

  private var state = ContentHashState()

  package init() {
    // Safe: The state is ours and lends its address for the call.
    unsafe contenthash_begin(&state)
  }

  /// Takes the next bytes; however they are cut, the hash is the same.
  package mutating func update(_ bytes: UnsafeRawBufferPointer) {
    // Safe: The caller's bytes are read, as many as it says, and not kept.
    unsafe contenthash_update(&state, bytes.baseAddress?.assumingMemoryBound(to: UInt8.self), bytes.count)
  }

  /// The hash of everything so far.
  package var value: Value {
    var copy = state
    // Safe: A copy of the state lends its address for the call.
    let value = unsafe contenthash_value(&copy)
    return Value(high: value.high, low: value.low)
  }

  /// The id of a capture with these sources: the hash of its only source; of several, the hash of their hashes,
  /// ascending, 16 bytes each with the highest first. The order of the sources, their names and how they are packed
  /// make no difference.
  package static func captureID(of sources: [Value]) -> String {
    if sources.count == 1 { return "xxh3:" + sources[0].text }
    var bytes: [UInt8] = []
    for source in sources.sorted() {
      for half in [source.high, source.low] {
        for shift in stride(from: UInt64(56), through: 0, by: -8) {
          bytes.append(UInt8(truncatingIfNeeded: half >> shift))
        }
      }
    }
    var hash = ContentHash()
    // Safe: The bytes are borrowed for the call.
    unsafe bytes.withUnsafeBytes { unsafe hash.update($0) }
    return "xxh3:" + hash.value.text
  }
}
