import Foundation

/// A temporary folder of small captures, gone with the object.
public final class CaptureFolder: Sendable {
  /// The folder, without a slash at its end.
  public let path: String

  /// An empty folder.
  public init() throws {
    let url = FileManager.default.temporaryDirectory.resolvingSymlinksInPath()
      .appendingPathComponent("dmaledger-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
    path = url.path
  }

  deinit {
    try? FileManager.default.removeItem(atPath: path)
  }

  /// A file of the folder, with the folders on the way to it.
  @discardableResult
  public func write(_ name: String, _ bytes: [UInt8]) throws -> String {
    let url = URL(fileURLWithPath: path + "/" + name)
    try FileManager.default.createDirectory(
      at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
    try Data(bytes).write(to: url)
    return url.path
  }

  /// A text file of the folder.
  @discardableResult
  public func write(_ name: String, _ text: String) throws -> String {
    try write(name, Array(text.utf8))
  }

  /// The bytes of a file of the folder.
  public func bytes(_ name: String) throws -> [UInt8] {
    Array(try Data(contentsOf: URL(fileURLWithPath: path + "/" + name)))
  }

  /// Adds captures made from the traces among the samples: lines are left out, and with them the header's count of lines;
  /// some are packed, cut, empty or foreign.
  /// The same ones every time.
  public func addCaptures(_ count: Int) throws {
    let traces = try [
      "6.1-unfixed-late-probes/trace.txt", "6.1-fixed-late-probes/trace.txt",
      "6.1-unfixed-late-probes/vmm.log",
      "6.1-unfixed-late-function/trace.txt", "7.3-unfixed-late-fprobes/trace.txt", "formats/graph-overrun",
    ].map { sample in
      try Checkout.bytes("samples/" + sample).split(separator: 0x0A)
        .filter { !$0.contains(Array("entries-in-buffer".utf8)) }
    }
    var state: UInt64 = 45
    let next = { (bound: Int) -> Int in
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Int((state >> 33) % UInt64(bound))
    }
    for index in 0..<count {
      var bytes: [UInt8] = []
      for line in traces[next(traces.count)] where line.first == 0x23 || next(40) > 0 {
        bytes += line
        bytes.append(0x0A)
      }
      switch index % 25 {
      case 3: bytes = Zstd.frame(bytes)
      case 8: bytes = Array(Zstd.frame(bytes).dropLast(9))
      case 13: bytes = []
      case 18: bytes = Array("no capture\n".utf8)
      default: break
      }
      try write("host\(index % 4)/run.\(index % 3)/capture\(index)", bytes)
    }
  }
}
