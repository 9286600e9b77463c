/// Files that hold captures in a form that is not read here, told by their first bytes: packed by something else than zstd,
/// or a recorder's own file of which a program makes text.
package enum ForeignFormat: Sendable, CaseIterable {
  case gzip, xz, bzip2, lz4, lzip, zip
  case traceCmd, perf, journal, elf, kdump

  /// As many bytes as it takes to tell.
  static let prefix = 8

  /// The format that begins with these bytes, if it is one of them.
  init?(_ bytes: Span<UInt8>) {
    guard let format = Self.allCases.first(where: { bytes.starts($0.magic) }) else { return nil }
    self = format
  }

  /// What such a file begins with, no longer than `prefix`.
  package var magic: [UInt8] {
    switch self {
    case .gzip: [0x1F, 0x8B, 0x08]
    case .xz: [0xFD, 0x37, 0x7A, 0x58, 0x5A, 0x00]
    // "BZh", the size of blocks, and the first half of pi; any size but the largest is rare.
    case .bzip2: Array("BZh91AY&".utf8)
    case .lz4: [0x04, 0x22, 0x4D, 0x18]
    case .lzip: Array("LZIP\u{1}".utf8)
    case .zip: [0x50, 0x4B, 0x03, 0x04]
    case .traceCmd: [0x17, 0x08, 0x44] + Array("traci".utf8)
    case .perf: Array("PERFILE2".utf8)
    case .journal: Array("LPKSHHRH".utf8)
    case .elf: [0x7F, 0x45, 0x4C, 0x46]
    case .kdump: Array("KDUMP   ".utf8)
    }
  }

  /// Whether it only packs what may well be a capture.
  var isPacked: Bool {
    switch self {
    case .gzip, .xz, .bzip2, .lz4, .lzip, .zip: true
    case .traceCmd, .perf, .journal, .elf, .kdump: false
    }
  }

  /// What it is and how to come by its text, without full stop.
  var words: String {
    switch self {
    case .gzip: Self.packed(by: "gzip", "zcat FILE")
    case .xz: Self.packed(by: "xz", "xzcat FILE")
    case .bzip2: Self.packed(by: "bzip2", "bzcat FILE")
    case .lz4: Self.packed(by: "lz4", "lz4cat FILE")
    case .lzip: Self.packed(by: "lzip", "lzip -dc FILE")
    case .zip: Self.packed(by: "zip", "unzip -p FILE MEMBER")
    case .traceCmd: Self.recorded(by: "trace-cmd", "trace-cmd report FILE")
    case .perf: Self.recorded(by: "perf", "perf script -i FILE")
    case .journal: Self.recorded(by: "systemd's journal", "journalctl --file FILE -k -o short-monotonic")
    case .elf, .kdump:
      "the file is a program or the memory of a kernel, and text is what is read here. In crash(8), `log` prints the kernel "
        + "log, and with its extension trace, `trace show` the trace"
    }
  }

  private static func packed(by program: String, _ command: String) -> String {
    "the file is packed with \(program), which is not read here. Say `\(command) | dmaledger -`"
  }

  private static func recorded(by program: String, _ command: String) -> String {
    "the file is a recording of \(program), and its text is what is read here. Say `\(command) | dmaledger -`"
  }
}

extension Span<UInt8> {
  fileprivate func starts(_ magic: [UInt8]) -> Bool {
    count >= magic.count && magic.indices.allSatisfy { self[$0] == magic[$0] }
  }
}
