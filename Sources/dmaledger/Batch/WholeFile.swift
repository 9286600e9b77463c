import DMALedger

/// Small files, read at once.
enum WholeFile {
  /// The bytes of a file, `-` for standard input, unpacked where it is compressed.
  ///
  /// - Parameter onlyFile: Whether what is no regular file is refused.
  static func bytes(at path: PathName, limit: Int, onlyFile: Bool = false) throws(InputError) -> [UInt8] {
    var bytes: [UInt8] = []
    try eachBlock(of: path, onlyFile: onlyFile) { block throws(InputError) in
      for index in block.indices { bytes.append(block[index]) }
      if bytes.count > limit { throw InputError(path: path.name, reason: "is longer than \(limit) bytes") }
    }
    return bytes
  }

  /// Hands the unpacked bytes of a file to `body`, block by block. Unlike a capture, a file of our own that is damaged
  /// is an error.
  static func eachBlock(
    of path: PathName, onlyFile: Bool = false, _ body: (Span<UInt8>) throws(InputError) -> Void
  ) throws(InputError) {
    var source = try ByteSource(path: path, onlyFile: onlyFile)
    var room = [UInt8](repeating: 0, count: 256 << 10)
    while true {
      // Safe: The room is borrowed for the call.
      let count = unsafe room.withUnsafeMutableBytes { unsafe source.fill($0) }
      if count == 0 { break }
      try body(room.span.extracting(0..<count))
    }
    if let issue = source.issue { throw InputError(path: path.name, reason: issue.message) }
  }
}
