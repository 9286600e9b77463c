import CByteScan
import Testing

/// Every way of looking at many bytes at once against the way that looks at one.
@Suite("Bytes looked at 64 at a time")
struct ByteScanTests {
  /// Bytes of which about one in `rarity` is a newline, always the same for the same seed.
  private static func noise(_ count: Int, rarity: UInt64, seed: UInt64) -> [UInt8] {
    var state = seed
    return (0..<count).map { _ in
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      let random = state >> 33
      return random % rarity == 0 ? 0x0A : UInt8(truncatingIfNeeded: random >> 8)
    }
  }

  private static func places(in bytes: ArraySlice<UInt8>) -> [UInt32] {
    var places = [UInt32](repeating: 0, count: bytes.count + 2)
    let count = unsafe bytes.withUnsafeBufferPointer { slice in
      unsafe places.withUnsafeMutableBufferPointer { room in
        guard let base = slice.baseAddress, let out = room.baseAddress else { return 0 }
        return unsafe bytescan_list(base, slice.count, 0x0A, out)
      }
    }
    return Array(places[..<count])
  }

  @Test(
    "newlines are listed where they stand, at every length and alignment", arguments: [1, 2, 7, 60, 5000])
  func newlines(rarity: UInt64) {
    let bytes = Self.noise(400, rarity: rarity, seed: rarity)
    for start in 0..<64 {
      for count in [0, 1, 2, 31, 32, 33, 63, 64, 65, 127, 128, 129, 191, 192, 200, 255, 256, 300] {
        let slice = bytes[start..<start + count]
        let expected = slice.indices.filter { bytes[$0] == 0x0A }.map { UInt32($0 - start) }
        #expect(Self.places(in: slice) == expected, "from \(start), \(count) bytes")
      }
    }
  }

  @Test("the instructions that this machine has give what plain ones give")
  func widths() {
    for seed in UInt64(1)...40 {
      let bytes = Self.noise(64 * 9, rarity: seed, seed: seed)
      unsafe bytes.withUnsafeBufferPointer { buffer in
        guard let base = buffer.baseAddress else { return }
        var plain = [UInt32](repeating: 0, count: bytes.count + 2)
        let count = unsafe plain.withUnsafeMutableBufferPointer { room in
          unsafe room.baseAddress.map { unsafe bytescan_list_words(base, 9, 0x0A, $0) } ?? 0
        }
        #expect(Self.places(in: bytes[...]) == Array(plain[..<count]))
        for word in 0..<9 {
          let wide = unsafe bytescan_mask(base + 64 * word, 0x0A)
          #expect(unsafe wide == bytescan_mask_portable(base + 64 * word, 64, 0x0A))
        }
      }
    }
  }

  @Test("a run of blanks is measured up to 64")
  func runs() {
    for length in 0...70 {
      let bytes = [UInt8](repeating: 0x20, count: length) + [UInt8](repeating: 0x7C, count: 70)
      let run = unsafe bytes.withUnsafeBufferPointer { buffer in
        unsafe buffer.baseAddress.map { unsafe bytescan_run($0, 0x20) } ?? 0
      }
      #expect(run == UInt32(min(length, 64)))
    }
  }
}
