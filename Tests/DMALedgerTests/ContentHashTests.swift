import DMALedger
import TestSupport
import Testing

@Suite("The content hash")
struct ContentHashTests {
  /// The pattern of `Tests/Outside/xxh3_vectors.py`.
  static let pattern: [UInt8] = (0..<1_000_000).map { index in
    UInt8(truncatingIfNeeded: (UInt64(index) &* 2_654_435_761 & 0xFFFF_FFFF) >> 24)
  }

  /// Length and hash by libxxhash, made with `python3 Tests/Outside/xxh3_vectors.py`.
  static func vectors() throws -> [(length: Int, hash: String)] {
    let text = String(decoding: try Checkout.bytes("Tests/Outside/xxh3-vectors.txt"), as: UTF8.self)
    return try text.split(separator: "\n").map { line in
      let words = line.split(separator: " ")
      return (try #require(Int(words[0])), String(words[1]))
    }
  }

  func hash(_ bytes: [UInt8], step: Int) -> String {
    var hash = ContentHash()
    for start in stride(from: 0, to: bytes.count, by: step) {
      unsafe bytes.withUnsafeBytes { all in
        unsafe hash.update(
          UnsafeRawBufferPointer(rebasing: all[start..<Swift.min(start + step, all.count)]))
      }
    }
    return hash.value.text
  }

  @Test("it is what libxxhash says, for every class of lengths")
  func reference() throws {
    let vectors = try Self.vectors()
    #expect(vectors.count > 400)
    for (length, expected) in vectors {
      #expect(hash(Array(Self.pattern.prefix(length)), step: 1 << 20) == expected, "\(length) bytes")
    }
  }

  @Test(
    "the cutting of the stream makes no difference", arguments: [1, 7, 63, 64, 65, 255, 256, 257, 1024, 5000])
  func cutting(_ step: Int) throws {
    for (length, expected) in try Self.vectors() where length < 100_000 {
      #expect(hash(Array(Self.pattern.prefix(length)), step: step) == expected, "\(length) bytes")
    }
  }
}

@Suite("The id of a capture")
struct CaptureIDTests {
  static func id(of sources: [[UInt8]], names: [String]? = nil) -> String? {
    var options = Analyzer.Options()
    options.identifiesContent = true
    var analyzer = Analyzer(options: options)
    for (index, bytes) in sources.enumerated() {
      analyzer.read(bytes: bytes, name: names?[index] ?? "source \(index)")
    }
    _ = analyzer.finish()
    return analyzer.captureID
  }

  static let trace = ContentHashTests.pattern.prefix(300).map { $0 == 0x0A ? 0x20 : $0 }
  static let log = Array("[    1.000000] Linux version 6.1.52\n".utf8)

  @Test("without being asked for there is none")
  func off() {
    var analyzer = Analyzer()
    analyzer.read(bytes: Self.log, name: "log")
    _ = analyzer.finish()
    #expect(analyzer.captureID == nil)
  }

  // printf '[    1.000000] Linux version 6.1.52\n' | xxhsum -H2
  @Test("of one source it is the hash of its bytes, however they are packed")
  func single() {
    let plain = Self.id(of: [Self.log])
    #expect(plain == "xxh3:b9dd98227dea3f30e39e4cb86b60c408")
    #expect(Self.id(of: [Zstd.frame(Self.log)]) == plain)
    #expect(Self.id(of: [Zstd.frames(Self.log, size: 5)], names: ["other"]) == plain)
    #expect(Self.id(of: [Self.log + [0x0A]]) != plain)
  }

  // python3: xxh3_128(b"".join(sorted(xxh3_128_digest(source) for source in sources)))
  @Test("of several it is the hash of their hashes in ascending order")
  func several() {
    let empty: [UInt8] = []
    #expect(Self.id(of: [Self.log, Self.trace]) == "xxh3:4df0f519e48b4f9599096d72176ee98a")
    #expect(Self.id(of: [Self.trace, Zstd.frame(Self.log)]) == Self.id(of: [Self.log, Self.trace]))
    #expect(Self.id(of: [Self.log, Self.log]) != Self.id(of: [Self.log]))
    #expect(Self.id(of: [Self.log, empty]) != Self.id(of: [Self.log]))
  }
}
